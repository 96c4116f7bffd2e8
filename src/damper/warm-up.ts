import type {DamperSettings} from './damper.ts';

/**
 * The time after a start in which the slaves that were here before are still coming back, each within one keepalive
 * period. It is over at once where their hosts are known already (docs/architecture.md#invariants, 9).
 */
export interface WarmUp {
  /** Of the daemon; monotonic, as `nowMs`. */
  readonly startedMs: number;
  readonly nowMs: number;
  /** Hosts were known from the start, by a snapshot or a shared store. */
  readonly remembers: boolean;
}

export interface WarmUpSettings {
  readonly ttlMs: number;
  readonly damperMs: number;
  readonly damperMaxMs: number;
}

/** Slaves that come back one after another may not hold each other up for long. */
const HARDLY_DAMPED = {quietMs: 1000, maxMs: 4000};
const KEEPALIVE_OF_TTL = 0.75;

/** Whether it is over after `warmupMs` (KONTROL_WARMUP). */
export const isWarm = ({startedMs, nowMs, remembers}: WarmUp, warmupMs: number): boolean =>
  remembers || nowMs - startedMs >= warmupMs;

/** The damper now: hardly any until one keepalive period has passed, the configured one from then on. */
export function deriveDamper(warmUp: WarmUp, {ttlMs, damperMs, damperMaxMs}: WarmUpSettings): DamperSettings {
  if (isWarm(warmUp, ttlMs * KEEPALIVE_OF_TTL)) return {quietMs: damperMs, maxMs: damperMaxMs};
  return {quietMs: Math.min(damperMs, HARDLY_DAMPED.quietMs), maxMs: Math.min(damperMaxMs, HARDLY_DAMPED.maxMs)};
}
