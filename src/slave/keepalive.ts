import {deriveBackoffMs} from '../ports/backoff.ts';

/**
 * The keepalives that go to one master, as a pure step (docs/contract-2017.md#keepalive).
 *
 * INVARIANTS
 * - Until `stopped`, either one request is in flight or one timer runs; never both, never neither.
 * - A change of the payload is in a ping that starts after it.
 * - `down` is sent once, as the last request; what is in flight then is given up for it.
 */
export type Keepalive =
  | {readonly is: 'waiting'; readonly standing: Standing}
  /** `again`: the payload changed since the request in flight was written. */
  | {readonly is: 'asking'; readonly standing: Standing; readonly again: boolean}
  | {readonly is: 'leaving'}
  | {readonly is: 'gone'};

/** What the last answers say of the master. */
export type Standing =
  | {readonly is: 'unknown'}
  | {readonly is: 'reachable'}
  | {readonly is: 'unreachable'; readonly failures: number};

export type KeepaliveEvent =
  /** The timer that `wait` asked for ran out. Fed once at the start, too. */
  | {readonly is: 'due'}
  | {readonly is: 'answered'; readonly status: number}
  /** No whole answer came: refused, reset, unresolved, or over the time limit. */
  | {readonly is: 'failed'; readonly reason: string}
  | {readonly is: 'changed'}
  | {readonly is: 'stopped'};

/** `send` and `wait` each take the place of the request or timer before them. */
export type KeepaliveEffect =
  | {readonly do: 'send'; readonly down: boolean}
  | {readonly do: 'wait'; readonly delayMs: number}
  | {readonly do: 'report-reachable'}
  | {readonly do: 'report-unreachable'; readonly reason: string};

export interface KeepaliveSettings {
  /** Milliseconds between an answer and the next ping. */
  readonly periodMs: number;
}

/** Where every keepalive begins; the first `due` sends the first ping. */
export const INITIAL_KEEPALIVE: Keepalive = {is: 'waiting', standing: {is: 'unknown'}};

/** Three of four TTLs: one lost ping and its retries still fit (docs/contract-2017.md#keepalive). */
export const derivePeriodMs = (ttlMs: number): number => ttlMs * 0.75;

const RETRY = {flatMs: 200, firstMs: 1000 / 1024, maxMs: 10_000} as const;

/**
 * Milliseconds to wait after so many failures in a row: 8 tries in the first 1.5 s, then gaps of 0.3, 0.4, 0.7, 1.2,
 * 2.2, 4.2, 8.2 s, then 10 s for ever. These are the gaps of the slaves of 2017.
 */
export const deriveRetryMs = (failures: number): number =>
  Math.min(RETRY.maxMs, RETRY.flatMs + deriveBackoffMs(failures, RETRY));

const isSuccess = (status: number): boolean => status === 200 || status === 204;

type Next = readonly [Keepalive, readonly KeepaliveEffect[]];

const ask = (standing: Standing): Next => [{is: 'asking', standing, again: false}, [{do: 'send', down: false}]];

function succeed(state: Extract<Keepalive, {is: 'asking'}>, {periodMs}: KeepaliveSettings): Next {
  const standing: Standing = {is: 'reachable'};
  const reports: KeepaliveEffect[] = state.standing.is === 'reachable' ? [] : [{do: 'report-reachable'}];
  if (state.again) {
    const [next, effects] = ask(standing);
    return [next, [...reports, ...effects]];
  }
  return [{is: 'waiting', standing}, [...reports, {do: 'wait', delayMs: periodMs}]];
}

function fail(state: Extract<Keepalive, {is: 'asking'}>, reason: string): Next {
  const failures = state.standing.is === 'unreachable' ? state.standing.failures + 1 : 1;
  const standing: Standing = {is: 'unreachable', failures};
  const reports: KeepaliveEffect[] = failures > 1 ? [] : [{do: 'report-unreachable', reason}];
  return [{is: 'waiting', standing}, [...reports, {do: 'wait', delayMs: deriveRetryMs(failures)}]];
}

/** The state after `event` and what is to be done for it. Events that do not fit the state change nothing. */
export function stepKeepalive(state: Keepalive, event: KeepaliveEvent, settings: KeepaliveSettings): Next {
  if (state.is === 'gone') return [state, []];
  if (state.is === 'leaving') {
    const isOver = event.is === 'answered' || event.is === 'failed';
    return [isOver ? {is: 'gone'} : state, []];
  }
  switch (event.is) {
    case 'stopped':
      return [{is: 'leaving'}, [{do: 'send', down: true}]];
    case 'due':
      return state.is === 'waiting' ? ask(state.standing) : [state, []];
    case 'changed':
      return state.is === 'waiting' ? ask(state.standing) : [{...state, again: true}, []];
    case 'answered':
      if (state.is === 'waiting') return [state, []];
      return isSuccess(event.status) ? succeed(state, settings) : fail(state, `the master answered ${event.status}`);
    case 'failed':
      return state.is === 'waiting' ? [state, []] : fail(state, event.reason);
  }
}
