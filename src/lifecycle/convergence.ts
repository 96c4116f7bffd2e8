import {calm, type Damper, type DamperSettings, dueAtMs, noteChange} from '../damper/damper.ts';
import {type Backoff, deriveBackoffMs} from '../ports/backoff.ts';

/*
 * INVARIANTS
 * - No pass runs before `begun`: what changes or is demanded until then is part of the first one.
 * - At most one pass runs.
 * - A change that arrives while one runs is held by the damper and leads to another.
 * - A failed pass is tried again after a back-off, or when the damper lets a change through, whichever is first.
 */

/** What stands between the inputs and the proxy: changes not yet looked at, and how the last pass went. */
export interface Convergence {
  readonly damper: Damper;
  /** Asked for by a person or at boot: at once, whatever the damper says. */
  readonly demanded: boolean;
  readonly causes: readonly string[];
  readonly unnamedCauses: number;
  readonly pass:
    | {readonly is: 'asleep'}
    | {readonly is: 'none'}
    | {readonly is: 'running'}
    | {readonly is: 'succeeded'}
    | {readonly is: 'failed'; readonly failures: number; readonly retryAtMs: number};
  readonly failures: number;
}

export type ConvergenceEvent =
  | {readonly is: 'begun'; readonly cause: string}
  /** `isRepeat`: the cause was told before; it is named only where no other is. */
  | {readonly is: 'changed'; readonly cause: string; readonly isRepeat?: boolean}
  | {readonly is: 'demanded'; readonly cause: string}
  | {readonly is: 'started'}
  | {readonly is: 'ended'; readonly ok: boolean};

const MAX_NAMED_CAUSES = 3;
const RETRY: Backoff = {firstMs: 1000, maxMs: 60_000};

export const newConvergence: Convergence = {
  damper: calm,
  demanded: false,
  causes: [],
  unnamedCauses: 0,
  pass: {is: 'asleep'},
  failures: 0,
};

export function stepConvergence(state: Convergence, event: ConvergenceEvent, nowMs: number): Convergence {
  switch (event.is) {
    case 'begun':
      return named({...state, demanded: true, pass: {is: 'none'}}, event.cause);
    case 'changed': {
      const next = {...state, damper: noteChange(state.damper, nowMs)};
      return event.isRepeat === true && state.causes.length > 0 ? next : named(next, event.cause);
    }
    case 'demanded':
      return named({...state, demanded: true}, event.cause);
    case 'started':
      return {...state, damper: calm, demanded: false, causes: [], unnamedCauses: 0, pass: {is: 'running'}};
    case 'ended': {
      if (event.ok) return {...state, pass: {is: 'succeeded'}, failures: 0};
      const failures = state.failures + 1;
      return {...state, failures, pass: {is: 'failed', failures, retryAtMs: nowMs + deriveBackoffMs(failures, RETRY)}};
    }
  }
}

const named = (state: Convergence, cause: string): Convergence => {
  if (state.causes.includes(cause)) return state;
  if (state.causes.length >= MAX_NAMED_CAUSES) return {...state, unnamedCauses: state.unnamedCauses + 1};
  return {...state, causes: [...state.causes, cause]};
};

/** When the next pass is due (monotonic ms), or undefined while one runs or nothing asks for one. */
export function nextPassAtMs(state: Convergence, settings: DamperSettings, nowMs: number): number | undefined {
  if (state.pass.is === 'running' || state.pass.is === 'asleep') return undefined;
  if (state.demanded) return nowMs;
  const held = dueAtMs(state.damper, settings);
  const retry = state.pass.is === 'failed' ? state.pass.retryAtMs : undefined;
  if (held === undefined || retry === undefined) return held ?? retry;
  return Math.min(held, retry);
}

/** Whether the last pass ended well and nothing that came since waits for another. */
export const isSettled = ({damper, demanded, pass}: Convergence): boolean =>
  pass.is === 'succeeded' && damper.is === 'calm' && !demanded;

/** Why the next pass runs, for people. */
export function describeCauses({causes, unnamedCauses, failures}: Convergence): string {
  if (causes.length === 0) return failures > 0 ? `retry ${failures} of a failed pass` : 'asked for';
  return causes.join(', ') + (unnamedCauses > 0 ? ` and ${unnamedCauses} more` : '');
}
