import {rethrowBug} from '../errors.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';

const CLOSE_POLL_MS = 2;
/** HAProxy closes its listeners within a few milliseconds of SIGUSR1. */
const BLIND_CLOSE_MS = 200;
/** One that has not closed them by now cannot obey. */
const CLOSE_CAP_MS = 1000;
/** One that waits for a CPU may still obey. Under the time after which the gate's rules expire. */
const STARVED_CLOSE_CAP_MS = 2000;
/** Who wanted the CPU so long ago is at work: between two steps it sleeps for moments. */
const AT_WORK_MS = 200;

/** Which of some processes have one of the sockets open that they listened on, by PID? Undefined when we may not see them. */
export type StillListen = (() => Promise<readonly number[]>) | undefined;

/**
 * Looks, while there is time, at what the processes listen on. A HAProxy that runs as another `user` shows its sockets
 * only to CAP_SYS_PTRACE.
 */
export async function watchListeners(
  pids: readonly number[],
  {processes, log}: {processes: Pick<ProcessTable, 'watchListeners'>; log: Log},
): Promise<StillListen> {
  try {
    const watches = await Promise.all(pids.map(async pid => ({pid, isOpen: await processes.watchListeners(pid)})));
    return async () => {
      const open = await Promise.all(watches.map(async ({pid, isOpen}) => ((await isOpen()) ? [pid] : [])));
      return open.flat();
    };
  } catch (err) {
    rethrowBug(err);
    log.debug({err, delayMs: BLIND_CLOSE_MS}, 'sockets of the old generation cannot be seen');
    return undefined;
  }
}

/**
 * Waits until the listeners are closed, at most 1 s, or 2 s for a process that has work to do and may only be short of
 * CPU. Resolves with the PIDs of those that did not close theirs. A fixed wait where they cannot be seen.
 */
export async function untilClosed(
  stillListen: StillListen,
  {clock, processes}: {readonly clock: Clock; readonly processes: Pick<ProcessTable, 'activity'>},
): Promise<readonly number[]> {
  const startedMs = clock.nowMs();
  if (stillListen === undefined) {
    await sleep(clock, BLIND_CLOSE_MS);
    return [];
  }
  const isRunnable = async (pid: number) => (await processes.activity(pid).catch(() => undefined))?.state === 'R';
  let runnableMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    const open = await stillListen();
    if (open.length === 0) return [];
    const nowMs = clock.nowMs();
    if (nowMs - startedMs >= STARVED_CLOSE_CAP_MS) return open;
    if (nowMs - startedMs >= CLOSE_CAP_MS - AT_WORK_MS) {
      if ((await Promise.all(open.map(isRunnable))).includes(true)) runnableMs = nowMs;
      if (nowMs - startedMs >= CLOSE_CAP_MS && nowMs - runnableMs >= AT_WORK_MS) return open;
    }
    await sleep(clock, CLOSE_POLL_MS);
  }
}
