import type {Clock} from '../../src/ports/clock.ts';

/** A clock that moves only when told: `advance` runs what falls due, in order, letting promises settle between. */
export interface FakeClock extends Clock {
  advance(byMs: number): Promise<void>;
  /** Steps the wall clock alone, as NTP or an operator would. */
  stepEpoch(byMs: number): void;
  /** Moves time on without running timers until the next `advance`: the process was stopped. */
  pause(forMs: number): void;
}

export function createFakeClock(startMs = 0, epochMs = 1_500_000_000_000): FakeClock {
  let now = startMs;
  let epoch = epochMs;
  let order = 0;
  const timers = new Map<number, {dueMs: number; call: () => void}>();
  const move = (byMs: number) => {
    now += byMs;
    epoch += byMs;
  };
  const settle = () => new Promise<void>(resolve => setImmediate(resolve));
  return {
    nowMs: () => now,
    epochMs: () => epoch,
    after(delayMs, call) {
      const id = ++order;
      timers.set(id, {dueMs: now + Math.max(0, delayMs), call});
      return () => timers.delete(id);
    },
    stepEpoch(byMs) {
      epoch += byMs;
    },
    pause: move,
    async advance(byMs) {
      const until = now + byMs;
      await settle();
      for (;;) {
        const due = [...timers]
          .filter(([, timer]) => timer.dueMs <= until)
          .sort(([, a], [, b]) => a.dueMs - b.dueMs)[0];
        if (due === undefined) break;
        timers.delete(due[0]);
        if (due[1].dueMs > now) move(due[1].dueMs - now);
        due[1].call();
        await settle();
      }
      if (until > now) move(until - now);
      await settle();
    },
  };
}
