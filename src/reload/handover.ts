import type {ProcessTable} from '../jobs/proc.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {HasPendingHandshakes} from './pending-handshakes.ts';

/** The queues of gated ports get this long to drain; Internet clients' handshakes take 50-200 ms. */
const SETTLE_CAP_MS = 250;
const SETTLE_POLL_MS = 5;

const CLOSE_POLL_MS = 2;
/** HAProxy closes its listeners within a few milliseconds of SIGUSR1. */
const BLIND_CLOSE_MS = 200;
/** Well under the time after which the gate's rules expire. */
const CLOSE_CAP_MS = 2000;

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
