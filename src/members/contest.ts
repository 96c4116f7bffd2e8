import {isSamePod, MAX_RIVALS, type Rival, type TableEntry} from './entry.ts';
import type {Ping} from './member.ts';

/** Who has the IP from here on; `rivals` are those that lost it within the last TTL. */
export interface Contest {
  readonly holderStays: boolean;
  readonly alternating: boolean;
  readonly rivals: readonly Rival[];
}

/**
 * Judges a ping of another pod than the one that holds the IP: the newcomer takes it. But one that itself lost it within
 * the last TTL is alternating with the holder (hostNetwork), and waits while that one is heard; otherwise the two would
 * churn the order and the app for ever. Of a holder that a shared store keeps, others may have heard just now.
 */
export function judgeContest(
  {pod, heardMs, kept, rivals}: TableEntry,
  ping: Ping,
  nowMs: number,
  ttlMs: number,
): Contest {
  const recent = rivals.filter(rival => nowMs - rival.heardMs <= ttlMs);
  const others = recent.filter(rival => !isSamePod(rival, ping));
  const alternating = others.length < recent.length;
  const holderStays = alternating && (kept || nowMs - heardMs < ttlMs);
  const {id, nonce} = holderStays ? ping : pod;
  return {holderStays, alternating, rivals: [...others, {id, nonce, heardMs: nowMs}].slice(-MAX_RIVALS)};
}
