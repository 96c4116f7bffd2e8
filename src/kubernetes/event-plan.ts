/*
 * INVARIANTS
 * - Equal news (reason and message) within the time of one event raise its count; they make no second event.
 * - A burst is let through, then a trickle: what is held back is counted into the next write of its event.
 */

/** Something that happened to the proxy, as `kubectl describe pod` shows it. */
export interface News {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, for machines. */
  readonly reason: string;
  readonly message: string;
}

/** An event of ours in the cluster; `name` is undefined until it was created. */
export interface KnownEvent extends News {
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface EventPlan {
  readonly events: ReadonlyMap<string, KnownEvent>;
  /** Writes that may be made now, refilled with time. */
  readonly tokens: number;
  readonly refilledMs: number;
}

export type EventWrite = {readonly is: 'create' | 'update'; readonly key: string; readonly event: KnownEvent};

/** Kubernetes keeps events for an hour; ours are begun anew well before. */
const SAME_EVENT_MS = 10 * 60_000;
const BURST = 10;
const REFILL_MS = 30_000;
const MAX_EVENTS = 50;
const MAX_MESSAGE_CHARACTERS = 1000;

export const newEventPlan = (nowMs: number): EventPlan => ({events: new Map(), tokens: BURST, refilledMs: nowMs});

/** Takes news in: the new plan, and what to write for it now, if anything. */
export function noteNews(plan: EventPlan, news: News, nowMs: number): readonly [EventPlan, EventWrite | undefined] {
  const refilled = Math.floor((nowMs - plan.refilledMs) / REFILL_MS);
  const tokens = Math.min(BURST, plan.tokens + refilled);
  const refilledMs = plan.refilledMs + refilled * REFILL_MS;
  const message = news.message.slice(0, MAX_MESSAGE_CHARACTERS);
  const key = `${news.reason} ${message}`;
  const live = new Map([...plan.events].filter(([, {firstMs}]) => nowMs - firstMs < SAME_EVENT_MS).slice(-MAX_EVENTS));
  const known = live.get(key);
  if (known === undefined && tokens === 0) return [{events: live, tokens, refilledMs}, undefined];
  const event: KnownEvent = {
    ...news,
    message,
    count: (known?.count ?? 0) + 1,
    firstMs: known?.firstMs ?? nowMs,
    lastMs: nowMs,
  };
  const events = new Map(live).set(key, event);
  if (tokens === 0) return [{events, tokens, refilledMs}, undefined];
  return [
    {events, tokens: tokens - 1, refilledMs},
    {is: known === undefined ? 'create' : 'update', key, event},
  ];
}
