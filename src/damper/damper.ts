/**
 * Quiet time with a maximum (as consul-template's wait): changes are held until none came for `quietMs`, but never
 * longer than `maxMs` after the first, so that a flapping slave cannot starve everybody's updates.
 */
export interface DamperSettings {
  readonly quietMs: number;
  readonly maxMs: number;
}

export type Damper =
  | {readonly is: 'calm'}
  | {readonly is: 'waiting'; readonly firstAtMs: number; readonly lastAtMs: number};

export const calm: Damper = {is: 'calm'};

export const noteChange = (damper: Damper, nowMs: number): Damper => ({
  is: 'waiting',
  firstAtMs: damper.is === 'waiting' ? damper.firstAtMs : nowMs,
  lastAtMs: nowMs,
});

/** When what was held is due (monotonic milliseconds), or undefined when nothing is held. */
export const dueAtMs = (damper: Damper, {quietMs, maxMs}: DamperSettings): number | undefined =>
  damper.is === 'calm' ? undefined : Math.min(damper.lastAtMs + quietMs, damper.firstAtMs + Math.max(quietMs, maxMs));
