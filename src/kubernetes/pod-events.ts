/*
 * INVARIANTS
 * - Equal ones (reason and message) within the time of one event raise its count; they make no second one.
 * - A burst is let through, then a trickle: what is held back is counted into the next write of its event.
 * - Secrets are hidden before anything is cut from a message: what is left of one would not be known for one.
 */

/** Something that happened to the proxy, as `kubectl describe pod` shows it. */
export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, for machines. */
  readonly reason: string;
  readonly message: string;
}

/** How a pass ended, as far as people who look at the pod need to know. */
export interface PassOutcome {
  readonly pass: number;
  /** What serves now; 0 before anything did. */
  readonly generation: number;
  readonly verdict: 'ok' | 'unchanged' | 'failed';
  readonly error: string | null;
  readonly phasesMs: {readonly apply?: number};
}

/** What differs from one try to the next and tells people nothing: a candidate's path, HAProxy's time stamps and PIDs. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/(?<![^\s[])[^\s[]*\/run\/\d+\.cfg/g, 'proxy.cfg'],
  [/ ?\b\d{3}\/\d{6}\b/g, ''],
  [/ *\(\d+\)/g, ''],
  [/\bgeneration \d+/g, 'generation'],
];

/** A message, the same for each try that fails alike: events are told apart by it. */
const lasting = (message: string): string =>
  PASSING.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), message);

/** What a pass that ended is worth telling: that it failed, or that it went well after failures. */
export function eventOfPass(
  {pass, generation, verdict, error, phasesMs}: PassOutcome,
  failedBefore: boolean,
): PodEvent | undefined {
  if (verdict === 'failed') {
    const reason = phasesMs.apply === undefined ? 'ConfigurationRefused' : 'ReloadFailed';
    const stays = generation === 0 ? 'nothing has served yet' : 'the last good configuration stays';
    return {type: 'Warning', reason, message: `${error ?? 'unknown'}; ${stays}`};
  }
  if (!failedBefore) return undefined;
  return {type: 'Normal', reason: 'Recovered', message: `pass ${pass} went well: the proxy serves what its inputs say`};
}

export const eventOfFatal = (reason: string): PodEvent => ({
  type: 'Warning',
  reason: 'ProxyFatal',
  message: reason,
});

/** HAProxy was told something else than its text says, or did not do what it was told. */
export const eventOfDrift = (first: string, count: number): PodEvent => ({
  type: 'Warning',
  reason: 'ProxyDiffers',
  message: `HAProxy differs from its configuration: ${first}${count > 1 ? `, and ${count - 1} more` : ''}; POST /reconfigure ends that`,
});

/** A member that no configuration can be made with. */
export const eventOfQuarantine = ({
  app,
  ip,
  id,
  reason,
  served,
}: {
  readonly app: string;
  readonly ip: string;
  readonly id: string;
  readonly reason: string;
  readonly served: 'as before' | 'not at all';
}): PodEvent => ({
  type: 'Warning',
  reason: 'MemberQuarantined',
  message: `${app} ${ip} (${id}): ${reason}; it is served ${served} until that is mended`,
});

export const eventOfHang = ({
  pid,
  silentMs,
  restarts,
}: {
  readonly pid: number;
  readonly silentMs: number;
  readonly restarts: boolean;
}): PodEvent => ({
  type: 'Warning',
  reason: 'ProxyHung',
  message:
    `${restarts ? 'HAProxy' : `An old HAProxy (PID ${pid})`} answered nothing for ${Math.round(silentMs / 1000)} s: ` +
    (restarts ? 'it was ended and started anew' : 'it was ended, with the connections that it had left'),
});

/** A problem that `/status` lists and that has stayed for a while. */
interface LastingProblem {
  readonly kind: string;
  readonly what: string;
  readonly why: string;
}

/** Of these, others tell already: a pass, a hang and a proxy that is given up have events of their own. */
const TOLD_OTHERWISE = new Set(['pass', 'template', 'quarantine', 'drift', 'hung', 'down', 'sync', 'lifecycle']);

/** `backend-down` -> `BackendDown`. */
const inCamelCase = (kind: string): string =>
  kind.replace(/(?:^|-)([a-z])/g, (_match, letter: string) => letter.toUpperCase());

/** What to tell of a problem that came, or is over; undefined when others tell it. */
export function eventOfProblem({kind, what, why}: LastingProblem, isOver: boolean): PodEvent | undefined {
  if (TOLD_OTHERWISE.has(kind)) return undefined;
  const reason = `Problem${inCamelCase(kind)}`;
  if (isOver) return {type: 'Normal', reason: `${reason}Over`, message: `no longer: ${what}`};
  return {type: 'Warning', reason, message: `${what}: ${why}`};
}

export const eventOfCertificate = (name: string, reason: string): PodEvent => ({
  type: 'Warning',
  reason: 'CertificateRefused',
  message: `certificate ${name}: ${reason}; the last good one stays`,
});

/** An event of ours in the cluster; `name` is undefined until it was created. */
export interface WrittenEvent extends PodEvent {
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface EventPlan {
  readonly events: ReadonlyMap<string, WrittenEvent>;
  /** Writes that may be made now, refilled with time. */
  readonly tokens: number;
  readonly refilledMs: number;
}

export type EventWrite = {readonly is: 'create' | 'update'; readonly key: string; readonly event: WrittenEvent};

/** Kubernetes keeps events for an hour; ours are begun anew well before. */
const SAME_EVENT_MS = 10 * 60_000;
const BURST = 10;
const REFILL_MS = 30_000;
const MAX_EVENTS = 50;
const MAX_MESSAGE_CHARACTERS = 1000;

export const newEventPlan = (nowMs: number): EventPlan => ({events: new Map(), tokens: BURST, refilledMs: nowMs});

/** Takes an event in: the new plan, and what to write for it now, if anything, without the secrets that `hide` replaces. */
export function planEvent(
  plan: EventPlan,
  told: PodEvent,
  nowMs: number,
  hide: (said: string) => string,
): readonly [EventPlan, EventWrite | undefined] {
  const refilled = Math.floor((nowMs - plan.refilledMs) / REFILL_MS);
  const tokens = Math.min(BURST, plan.tokens + refilled);
  const refilledMs = plan.refilledMs + refilled * REFILL_MS;
  const message = lasting(hide(told.message)).slice(0, MAX_MESSAGE_CHARACTERS);
  const key = `${told.reason} ${message}`;
  const live = new Map([...plan.events].filter(([, {firstMs}]) => nowMs - firstMs < SAME_EVENT_MS).slice(-MAX_EVENTS));
  const known = live.get(key);
  if (known === undefined && tokens === 0) return [{events: live, tokens, refilledMs}, undefined];
  const event: WrittenEvent = {
    ...told,
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
