import type {Config} from '../config/config.ts';
import type {DamperSettings} from '../damper/damper.ts';
import {type Convergence, isSettled} from '../lifecycle/convergence.ts';
import type {Passes} from '../lifecycle/passes.ts';
import {systemClock as clock} from '../ports/clock.ts';
import type {Generations} from '../reload/generations.ts';

/** Until a keepalive period has passed, slaves that were here before us are still coming back: hardly damp. */
const WARMUP_DAMPER = {quietMs: 1000, maxMs: 4000};
const KEEPALIVE_OF_TTL = 0.75;

export interface StandingSources {
  readonly config: Pick<Config, 'ttlMs' | 'warmupMs' | 'damperMs' | 'damperMaxMs'>;
  /** Monotonic. */
  readonly startedMs: number;
  /** Hosts were known from the start, by a snapshot or a shared store. */
  readonly remembers: () => boolean;
  readonly proxy: Pick<Generations, 'text' | 'status'>;
  readonly passes: Pick<Passes, 'last' | 'applied'>;
  readonly convergence: () => Convergence;
}

/** How the daemon stands: warm, ready, in sync (docs/membership.md#the-first-seconds). */
export interface Standing {
  readonly damper: () => DamperSettings;
  /** Once ready, ready for as long as any generation serves, until `stop`. */
  readonly isReady: () => boolean;
  /** The proxy serves what the inputs say: nothing failed, nothing waits. */
  readonly isInSync: () => boolean;
  /** Why the last pass failed; null when it did not. */
  readonly lastError: () => string | null;
  readonly isStopping: () => boolean;
  /** Never ready again. */
  stop(): void;
}

export function createStanding({config, startedMs, remembers, proxy, passes, convergence}: StandingSources): Standing {
  let phase: 'starting' | 'ready' | 'stopping' = 'starting';
  const hasPassed = (durationMs: number) => remembers() || clock.nowMs() - startedMs >= durationMs;
  const isRunning = () => proxy.status.state === 'RUNNING';
  const hasFailed = () => passes.last?.verdict === 'failed';
  return {
    damper() {
      const {damperMs: quietMs, damperMaxMs: maxMs, ttlMs} = config;
      if (hasPassed(ttlMs * KEEPALIVE_OF_TTL)) return {quietMs, maxMs};
      return {quietMs: Math.min(quietMs, WARMUP_DAMPER.quietMs), maxMs: Math.min(maxMs, WARMUP_DAMPER.maxMs)};
    },
    isReady() {
      const serves = proxy.text !== undefined && isRunning();
      if (phase === 'starting' && serves && hasPassed(config.warmupMs)) phase = 'ready';
      return phase === 'ready' && serves;
    },
    isInSync: () => passes.applied !== undefined && !hasFailed() && isSettled(convergence()) && isRunning(),
    lastError: () => (hasFailed() ? (passes.last?.error ?? null) : null),
    isStopping: () => phase === 'stopping',
    stop() {
      phase = 'stopping';
    },
  };
}
