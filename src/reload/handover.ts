import type {ProcessTable} from '../jobs/proc.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';

/** The queues of gated ports get this long to drain; Internet clients' handshakes take 50-200 ms. */
const SETTLE_CAP_MS = 250;
const SETTLE_POLL_MS = 5;

const CLOSE_POLL_MS = 2;
/** HAProxy closes its listeners within a few milliseconds of SIGUSR1. */
const BLIND_CLOSE_MS = 200;
/** Well under the time after which the gate's rules expire. */
const CLOSE_CAP_MS = 2000;

/**
 * Waits, with the gate shut, until handshakes begun before have ended and were accepted: at least `settleMs`, then
 * until no gated port shows a SYN_RECV or a queued connection, capped at 250 ms in all.
 */
export async function settle(
  ports: readonly number[],
  settleMs: number,
  {clock, processes, log}: {clock: Clock; processes: Pick<ProcessTable, 'isQuiet'>; log: Log},
): Promise<void> {
  const capMs = clock.nowMs() + Math.max(settleMs, SETTLE_CAP_MS);
  await sleep(clock, settleMs);
  while (!(await processes.isQuiet(ports))) {
    if (clock.nowMs() >= capMs) {
      log.debug({ports, durationMs: SETTLE_CAP_MS}, 'gated ports did not fall quiet in time');
      return;
    }
    await sleep(clock, SETTLE_POLL_MS);
  }
}

/**
 * Waits until none of the processes listens any more (their own sockets, by /proc); false when one still does at the
 * cap. A HAProxy that runs as another `user` shows its sockets only to CAP_SYS_PTRACE: then a fixed wait has to do.
 */
export async function untilClosed(
  pids: readonly number[],
  {clock, processes, log}: {clock: Clock; processes: Pick<ProcessTable, 'listeningPorts'>; log: Log},
): Promise<boolean> {
  const capMs = clock.nowMs() + CLOSE_CAP_MS;
  try {
    for (;;) {
      const open = await Promise.all(pids.map(pid => processes.listeningPorts(pid)));
      if (open.every(ports => ports.length === 0)) return true;
      if (clock.nowMs() >= capMs) return false;
      await sleep(clock, CLOSE_POLL_MS);
    }
  } catch (err) {
    log.debug({err, delayMs: BLIND_CLOSE_MS}, 'sockets of the old generation cannot be seen');
    await sleep(clock, BLIND_CLOSE_MS);
    return true;
  }
}
