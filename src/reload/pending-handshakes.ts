import {reasonOf} from '../errors.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import type {Log} from '../ports/log.ts';
import type {Spawn} from '../ports/spawn.ts';
import {parseBusyPorts} from '../proxy/sockets.ts';

/** True when on one of `ports`, in our own network namespace, a handshake is pending or a connection waits for accept(). */
export type HasPendingHandshakes = (ports: readonly number[]) => Promise<boolean>;

const SS = {file: 'ss', args: ['-nt', 'state', 'listening', 'state', 'syn-recv']};

const LIMIT_MS = 1000;

/**
 * Asks `ss`, for which the kernel leaves out what is not asked for: with 11,000 closed connections still remembered
 * (TIME_WAIT) it takes 12 ms, where /proc/net/tcp, which lists them all, takes 45. Clients wait that long. Without a
 * usable `ss` it is /proc for good.
 */
export function createHasPendingHandshakes({
  spawn,
  processes,
  log,
}: {
  spawn: Pick<Spawn, 'run'>;
  processes: Pick<ProcessTable, 'hasPendingHandshakes'>;
  log: Log;
}): HasPendingHandshakes {
  let isUsable = true;

  const findBusyPorts = async (): Promise<Set<number>> => {
    const {code, stdout, stderr} = await spawn.run(SS, {timeoutMs: LIMIT_MS});
    if (code !== 0) throw new Error(stderr.trim() || 'it failed');
    return parseBusyPorts(stdout);
  };

  return async ports => {
    if (!isUsable) return processes.hasPendingHandshakes(ports);
    try {
      const busy = await findBusyPorts();
      return ports.some(port => busy.has(port));
    } catch (error) {
      isUsable = false;
      log.debug({tool: SS.file, reason: reasonOf(error)}, 'handshakes are looked for in /proc');
      return processes.hasPendingHandshakes(ports);
    }
  };
}
