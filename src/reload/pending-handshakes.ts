import {reasonOf} from '../errors.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import {type Clock, sleep} from '../ports/clock.ts';
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

/** The queues of gated ports get this long to drain; Internet clients' handshakes take 50-200 ms. */
const SETTLE_CAP_MS = 250;
const SETTLE_POLL_MS = 5;

/**
 * Waits, with the gate shut, until handshakes begun before have ended and were accepted: until no gated port shows a
 * SYN_RECV or a queued connection, at least `settleMs`, at most 250 ms. A look takes a while: the first one begins at
 * a quarter of the least time.
 */
export async function settle(
  ports: readonly number[],
  settleMs: number,
  {clock, hasPendingHandshakes, log}: {clock: Clock; hasPendingHandshakes: HasPendingHandshakes; log: Log},
): Promise<void> {
  const leastMs = clock.nowMs() + settleMs;
  const capMs = clock.nowMs() + Math.max(settleMs, SETTLE_CAP_MS);
  await sleep(clock, settleMs / 4);
  while (await hasPendingHandshakes(ports)) {
    if (clock.nowMs() >= capMs) {
      log.debug({ports, durationMs: SETTLE_CAP_MS}, 'gated ports still had pending handshakes');
      return;
    }
    await sleep(clock, SETTLE_POLL_MS);
  }
  await sleep(clock, Math.max(0, leastMs - clock.nowMs()));
}
