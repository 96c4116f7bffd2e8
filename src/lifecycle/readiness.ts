import type {ProxyStatus} from '../reload/generations.ts';
import {type Convergence, isSettled} from './convergence.ts';
import type {PassRecord} from './passes.ts';

/** What readiness is decided from, as it is at the moment of the question. */
export interface ReadinessNow {
  /** See `servesKnownText`. */
  readonly serves: boolean;
  /** A change is on its way to HAProxy, of which `GET /state` tells when it is done. */
  readonly isApplying: boolean;
  /** The slaves of before had their time to come back. */
  readonly isWarm: boolean;
  readonly isStopping: boolean;
}

/**
 * Whether the pod is ready, asked again and again: not before it is warm, nor while what it serves first is on its way;
 * once ready, for as long as anything serves, whatever a pass fails of; never again once the daemon stops.
 */
export function createReadiness(now: () => ReadinessNow): () => boolean {
  let wasReady = false;
  return () => {
    const {serves, isApplying, isWarm, isStopping} = now();
    if (isStopping || !serves) return false;
    wasReady ||= isWarm && !isApplying;
    return wasReady;
  };
}

/** A HAProxy of ours runs with a text that we know, and answers. */
export const servesKnownText = (proxy: {
  readonly text: string | undefined;
  readonly status: Pick<ProxyStatus, 'state' | 'isHung'>;
}): boolean => proxy.text !== undefined && isServing(proxy.status);

/** It runs, and answers. */
export const isServing = ({state, isHung}: Pick<ProxyStatus, 'state' | 'isHung'>): boolean =>
  state === 'RUNNING' && !isHung;

/** What `inSync` is concluded from. */
export interface SyncFacts {
  /** What was applied last, or came out equal. */
  readonly applied: object | undefined;
  readonly last: Pick<PassRecord, 'verdict' | 'error'> | undefined;
  readonly convergence: Convergence;
  readonly serves: boolean;
  /** How many servers HAProxy was last seen to run otherwise than its text says. */
  readonly deviations: number;
  /** Members that are not served as they are, since no configuration can be made with them. */
  readonly quarantined: number;
}

/** The proxy serves what the inputs say: nothing failed, nothing waits, and HAProxy was seen to run it. */
export const isInSync = ({applied, last, convergence, serves, deviations, quarantined}: SyncFacts): boolean =>
  applied !== undefined &&
  last?.verdict !== 'failed' &&
  isSettled(convergence) &&
  serves &&
  deviations === 0 &&
  quarantined === 0;

/** When the last pass was started, where it failed (epoch ms). */
export const failedPassAt = (last: Pick<PassRecord, 'verdict' | 'startedAt'> | undefined): number | undefined =>
  last?.verdict === 'failed' ? last.startedAt : undefined;

/** Why the last pass failed; null when it did not. */
export const lastErrorOf = (last: SyncFacts['last']): string | null => (last?.verdict === 'failed' ? last.error : null);
