import type {Clock} from '../ports/clock.ts';

/**
 * Answers whether a line about `key` may be logged now: yes once per `periodMs` for each key. At most `maxKeys` keys
 * are remembered; when that many spoke within one period, new ones stay silent, so memory and log are both bounded.
 */
export function createThrottle(options: {
  readonly clock: Clock;
  readonly periodMs: number;
  readonly maxKeys: number;
}): (key: string) => boolean {
  const {clock, periodMs, maxKeys} = options;
  const spokeAtMs = new Map<string, number>();
  return key => {
    const nowMs = clock.nowMs();
    for (const [known, atMs] of spokeAtMs) {
      if (nowMs - atMs < periodMs) break;
      spokeAtMs.delete(known);
    }
    if (spokeAtMs.has(key) || spokeAtMs.size >= maxKeys) return false;
    spokeAtMs.set(key, nowMs);
    return true;
  };
}
