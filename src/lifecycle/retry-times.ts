import {type Backoff, deriveBackoffMs} from '../ports/backoff.ts';
import type {Pod} from '../template/input.ts';
import type {KeptEntry} from './quarantine-file.ts';
import {saysTheSame} from './suspects.ts';

/** How long who is in quarantine waits for its next try. */
export const RETRY: Backoff = {firstMs: 60_000, maxMs: 3_600_000};

/** While pods come and go, tries take a small part of the time. */
const SOON = {atLeastMs: 10_000, timesCheck: 20} as const;

/** A member in quarantine, and when it is tried again (monotonic). */
export interface Entry extends KeptEntry {
  readonly retryAtMs: number;
  /** The earliest, should another pod leave or change. */
  readonly soonAtMs: number;
}

/** When to try again what failed just now. `checkMs`: how long that took. */
export const timed = (
  entry: KeptEntry,
  {nowMs, checkMs}: {readonly nowMs: number; readonly checkMs: number},
): Entry => ({
  ...entry,
  retryAtMs: nowMs + deriveBackoffMs(entry.tries, RETRY),
  soonAtMs: nowMs + Math.max(SOON.atLeastMs, SOON.timesCheck * checkMs),
});

/**
 * Has those tried soon that may work by now: who failed with another pod alone (one name twice) and that one left or
 * changed, and, at once, who had no number yet and has one now. A try of one that keeps HAProxy from starting is some
 * reloads: it waits for its time.
 */
export function hasten(
  entries: readonly Entry[],
  {earlier, pods, nowMs}: {readonly earlier: readonly Pod[]; readonly pods: readonly Pod[]; readonly nowMs: number},
): Entry[] {
  const present = new Map(pods.map(pod => [pod.ip, pod]));
  const isSame = (pod: Pod): boolean => {
    const now = present.get(pod.ip);
    return now !== undefined && saysTheSame(pod, now);
  };
  const isOtherGone = !earlier.every(isSame);
  return entries.map(entry => {
    const {suspect, retryAtMs, soonAtMs, stopsStarts} = entry;
    const seq = present.get(suspect.pod.ip)?.seq;
    if (suspect.pod.seq === undefined && seq !== undefined) {
      return {...entry, suspect: {...suspect, pod: {...suspect.pod, seq}}, retryAtMs: nowMs};
    }
    return isOtherGone && !stopsStarts ? {...entry, retryAtMs: Math.min(retryAtMs, soonAtMs)} : entry;
  });
}
