import {DaemonError, reasonOf, rethrowBug} from '../errors.ts';
import {formatUptime, type JobAnswer, type JobHandle} from '../jobs/handle.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import type {ApplyQueue} from '../reload/apply-queue.ts';
import type {Candidate} from '../reload/candidate.ts';
import type {Generations} from '../reload/generations.ts';
import {HAPROXY_JOB} from './manifest-job.ts';

export interface HaproxyJobPorts {
  readonly clock: Clock;
  readonly files: Pick<Files, 'readText' | 'replace'>;
  readonly log: Log;
  readonly proxy: Pick<Generations, 'committedPath' | 'text' | 'status' | 'servingSinceMs' | 'stage' | 'discard'>;
  readonly queue: Pick<ApplyQueue, 'apply' | 'drain'>;
  readonly check: (candidate: Candidate, signal: AbortSignal) => Promise<readonly string[]>;
  readonly graceMs: number;
  /** Cuts the waits of a stop short. */
  readonly skip: AbortSignal;
  readonly tail: () => readonly string[];
}

const CONFIGURATION_MODE = 0o640;

/** How often a pass may come first before a restart is refused. */
const MAX_TRIES = 5;

/**
 * `haproxy` under its old job name (docs/lifecycle.md#jobs): start and restart take
 * `proxy.cfg` as it lies there as candidate, changed by hand or not: validated, and reloaded without losing a
 * connection. Refused, the committed text is restored and the old generation serves on.
 */
export function createHaproxyJob(ports: HaproxyJobPorts): JobHandle {
  const {clock, files, log, proxy, queue} = ports;

  const isUp = (): boolean => proxy.status.state === 'RUNNING' || proxy.status.state === 'STARTING';

  const reload = async (triesLeft = MAX_TRIES): Promise<void> => {
    const committed = proxy.text;
    const text = await files.readText(proxy.committedPath);
    const wanted = text ?? committed;
    if (wanted === undefined)
      throw new DaemonError('APPLY', `cannot start haproxy: there is no ${proxy.committedPath}`);
    let isOvertaken = false;
    /** In our turn no pass is under way: one that committed since the file was read made what we hold an old text. */
    const refuseOld = async (): Promise<void> => {
      isOvertaken = proxy.text !== committed || (await files.readText(proxy.committedPath)) !== text;
      if (isOvertaken) throw new DaemonError('APPLY', 'cannot restart haproxy: its configuration keeps changing');
    };
    try {
      const candidate = await proxy.stage(wanted.endsWith('\n') ? wanted : `${wanted}\n`);
      try {
        // A pass checked what it committed; passes that come faster than checks last would let none through.
        if (triesLeft === MAX_TRIES || text !== committed) await ports.check(candidate, AbortSignal.any([]));
      } catch (error) {
        await proxy.discard(candidate);
        throw error;
      }
      await queue.apply(candidate, {because: 'a script asked for it', check: refuseOld});
    } catch (error) {
      if (isOvertaken && triesLeft > 1) return reload(triesLeft - 1);
      if (committed !== undefined && text !== committed && proxy.text === committed) await restore(committed);
      throw error;
    }
  };

  const restore = async (committed: string): Promise<void> => {
    try {
      await files.replace(proxy.committedPath, committed, CONFIGURATION_MODE);
      log.warn({reason: 'the changed one was refused'}, 'restored the last good proxy.cfg');
    } catch (err) {
      rethrowBug(err);
      log.error({err}, 'cannot restore the last good proxy.cfg: what lies there is not what runs');
    }
  };

  const tryReload = async (verb: string): Promise<JobAnswer> => {
    try {
      await reload();
      return {ok: true, text: 'started', applied: {fault: undefined}};
    } catch (error) {
      rethrowBug(error);
      const detail = error instanceof DaemonError ? error.detail : undefined;
      log.error({job: HAPROXY_JOB, event: verb, reason: reasonOf(error), detail}, 'haproxy job command failed');
      return {ok: false, text: `ERROR (${reasonOf(error)})`, applied: {fault: error}};
    }
  };

  return {
    name: HAPROXY_JOB,
    start: async () => (isUp() ? {ok: true, text: 'ERROR (already started)'} : tryReload('start')),
    restart: () => tryReload('restart'),
    async stop() {
      if (!isUp() && proxy.status.state !== 'BACKOFF') return {ok: true, text: 'ERROR (not running)'};
      await queue.drain(ports.graceMs, ports.skip);
      return {ok: true, text: 'stopped'};
    },
    status() {
      const {state, pid, generation} = proxy.status;
      if (state !== 'RUNNING' || pid === null) return {state, description: state === 'STOPPED' ? 'Not running' : ''};
      const uptimeMs = clock.nowMs() - (proxy.servingSinceMs ?? clock.nowMs());
      return {state, description: `pid ${pid}, uptime ${formatUptime(uptimeMs)}, generation ${generation}`};
    },
    tail: ports.tail,
  };
}
