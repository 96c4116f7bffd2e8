import type {ProcessTable} from '../jobs/proc.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';

const CLOSE_POLL_MS = 2;
/** HAProxy closes its listeners within a few milliseconds of SIGUSR1. */
const BLIND_CLOSE_MS = 200;
/** Well under the time after which the gate's rules expire. */
const CLOSE_CAP_MS = 2000;

/** Of the sockets that some processes listened on: is one still open? Undefined when we may not see them. */
export type StillListen = (() => Promise<boolean>) | undefined;

/**
 * Looks, while there is time, at what the processes listen on. A HAProxy that runs as another `user` shows its sockets
 * only to CAP_SYS_PTRACE.
 */
export async function watchListeners(
  pids: readonly number[],
  {processes, log}: {processes: Pick<ProcessTable, 'watchListeners'>; log: Log},
): Promise<StillListen> {
  try {
    const watches = await Promise.all(pids.map(pid => processes.watchListeners(pid)));
    return async () => (await Promise.all(watches.map(isOpen => isOpen()))).includes(true);
  } catch (err) {
    log.debug({err, delayMs: BLIND_CLOSE_MS}, 'sockets of the old generation cannot be seen');
    return undefined;
  }
}

/** Waits until the listeners are closed; false when one is still open at the cap. A fixed wait where they cannot be seen. */
export async function untilClosed(stillListen: StillListen, clock: Clock): Promise<boolean> {
  const capMs = clock.nowMs() + CLOSE_CAP_MS;
  if (stillListen === undefined) {
    await sleep(clock, BLIND_CLOSE_MS);
    return true;
  }
  while (await stillListen()) {
    if (clock.nowMs() >= capMs) return false;
    await sleep(clock, CLOSE_POLL_MS);
  }
  return true;
}
