import type {TableEntry} from './entry.ts';
import type {Guard, Silence} from './guard.ts';

/** A ping that is due after three quarters of the TTL is late after four fifths (docs/contract-2017.md#keepalive). */
const LATE_OF_TTL = 0.8;

interface SilenceOptions {
  readonly guard: Guard;
  readonly ttlMs: number;
  readonly ownApp: string;
}

/** Outside the guard: the proxies themselves, and who was remembered but never heard. */
const isGuarded = (entry: TableEntry, ownApp: string): boolean => entry.heard && entry.pod.app !== ownApp;

/**
 * Those of a table, in the order of deadlines, that leave now: silent for a TTL, or held for long enough. Whom the guard
 * holds instead is marked so.
 */
export function siftSilent(
  entries: ReadonlyMap<string, TableEntry>,
  {guard, ttlMs, ownApp}: SilenceOptions,
  nowMs: number,
): TableEntry[] {
  const leaving: TableEntry[] = [];
  const due: TableEntry[] = [];
  for (const entry of entries.values()) {
    if (entry.deadlineMs > nowMs) break;
    if (entry.heldUntilMs === undefined && isGuarded(entry, ownApp)) due.push(entry);
    else if ((entry.heldUntilMs ?? 0) <= nowMs) leaving.push(entry);
  }
  for (const [app, silent] of Map.groupBy(due, entry => entry.pod.app)) {
    const untilMs = guard.judge(app, countSilence(entries.values(), app, silent.length, ttlMs, nowMs), nowMs);
    if (untilMs === undefined) leaving.push(...silent);
    else for (const entry of silent) entry.heldUntilMs = untilMs;
  }
  return leaving;
}

function countSilence(entries: Iterable<TableEntry>, app: string, due: number, ttlMs: number, nowMs: number): Silence {
  const lateMs = nowMs + (1 - LATE_OF_TTL) * ttlMs;
  let [overdue, others] = [0, 0];
  for (const {pod, heard, heldUntilMs, deadlineMs} of entries) {
    if (pod.app !== app || !heard || heldUntilMs !== undefined || deadlineMs <= nowMs) continue;
    if (deadlineMs <= lateMs) overdue += 1;
    else others += 1;
  }
  return {due, overdue, others};
}
