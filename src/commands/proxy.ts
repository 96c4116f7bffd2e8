import type {Config} from '../config/config.ts';
import {DaemonError} from '../errors.ts';
import type {Firewall} from '../firewall/gate.ts';
import {openOutputFile} from '../jobs/output.ts';
import {openProcessTable} from '../jobs/proc.ts';
import {superviseJob} from '../jobs/supervisor.ts';
import {systemClock as clock} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {createQueue} from '../ports/queue.ts';
import {systemSpawn as spawn} from '../ports/spawn.ts';
import {parseInfo} from '../proxy/answers.ts';
import {loadBuild} from '../proxy/check.ts';
import {parseOutputLine} from '../proxy/output.ts';
import {ask} from '../proxy/runtime.ts';
import type {Version} from '../proxy/version.ts';
import {bindOnly, probeBindOnly} from '../reload/bind-only.ts';
import {probeCapabilities} from '../reload/capabilities.ts';
import {READY_WITHIN_MS} from '../reload/generation.ts';
import {type Generations, openGenerations} from '../reload/generations.ts';
import {createHasPendingHandshakes} from '../reload/pending-handshakes.ts';

const RUNTIME_LIMIT_MS = 2000;

/** One command on a runtime socket; rejects when HAProxy does not answer within 2 s. */
export const askRuntime = (socket: string, command: string): Promise<string> =>
  ask(socket, command, {timeoutMs: RUNTIME_LIMIT_MS});

/** HAProxy and all that carries it. */
export async function openProxy(
  config: Config,
  room: (name: string) => Log,
  given: {
    firewall: Firewall;
    version: Version;
    logFileFor: (text: string) => Promise<string | undefined>;
    onLine: (line: string) => void;
  },
): Promise<Generations> {
  const {firewall, version, logFileFor, onLine} = given;
  const capabilities = await probeCapabilities({
    files,
    version,
    build: await loadBuild({spawn, haproxy: config.haproxy}),
    gate: firewall.capability,
    bindObstacle: probeBindOnly(),
  });
  const outputFile = openOutputFile(`${config.dataFolder}/proxy.out`);
  const log = room('proxy');
  const processes = openProcessTable();
  return openGenerations({
    clock,
    files,
    spawn,
    processes,
    hasPendingHandshakes: createHasPendingHandshakes({spawn, processes, log: room('reload')}),
    firewall,
    bind: bindOnly,
    capabilities,
    version,
    log: room('reload'),
    dataFolder: config.dataFolder,
    haproxy: config.haproxy,
    setting: config.reload,
    settleMs: config.settleMs,
    drain: config.drain,
    supervise: superviseJob,
    readyWithinMs: READY_WITHIN_MS,
    ask: askRuntime,
    logFileFor,
    pidIn: answer => Number(parseInfo(answer).get('Pid')),
    onOutput(generation, pid, line) {
      const {level, text} = parseOutputLine(line);
      log[level]({generation, pid, line: text}, 'haproxy wrote');
      outputFile.write(line);
      onLine(line);
    },
  });
}

/**
 * A pass and a `restart haproxy` of somebody's own never apply at once, and nothing is started any more once the daemon
 * drains. `apply` is the proxy's own, or waits for other replicas too. All else is read through to `proxy`.
 */
export function queueing(proxy: Generations, apply: Generations['apply'], isDraining: () => boolean): Generations {
  const queue = createQueue();
  const queued: Pick<Generations, 'apply' | 'drain'> = {
    apply: (candidate, options) =>
      queue.add(async () => {
        if (!isDraining()) return apply(candidate, options);
        throw new DaemonError('APPLY', `cannot apply generation ${candidate.generation}: the daemon stops`);
      }),
    drain: (graceMs, skip) => queue.add(() => proxy.drain(graceMs, skip)),
  };
  return Object.assign(Object.create(proxy), queued);
}
