/** How many lines may still pass: refilled evenly, never above one second's worth. */
export interface RateCap {
  readonly tokens: number;
  readonly atMs: number;
}

export const fullCap = (perSecond: number, nowMs: number): RateCap => ({tokens: perSecond, atMs: nowMs});

/** Takes one line through at `nowMs`: whether it passes, and the cap after it. */
export function takeLine(cap: RateCap, perSecond: number, nowMs: number): readonly [boolean, RateCap] {
  const refilled = Math.min(perSecond, cap.tokens + (Math.max(0, nowMs - cap.atMs) * perSecond) / 1000);
  const passes = refilled >= 1;
  return [passes, {tokens: passes ? refilled - 1 : refilled, atMs: nowMs}];
}
