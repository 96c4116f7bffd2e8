import {judgeContest} from './contest.ts';
import {bySeq, createEntry, isSamePod, isUnchanged, memberOf, succeed, type TableEntry} from './entry.ts';
import {createGuard, type Guard} from './guard.ts';
import {deriveHosts} from './hosts.ts';
import type {Hosts, Member, MemberView, Ping} from './member.ts';
import type {MemberEvent} from './member-event.ts';
import type {MemberTable} from './member-table.ts';
import type {Moment, Outcome} from './outcome.ts';
import {payloadBytesOf} from './payload.ts';
import {siftSilent} from './silence.ts';

/*
 * INVARIANTS
 * 1. One entry per canonical IP. A stay of a pod on it has its own `arrival` number, and at most one `seq`.
 * 2. The Map's order is the order of deadlines: whoever is heard moves to the end. So a ping costs the same with 1 and
 *    with 20,000 members, and expiry looks at the front only.
 * 3. `payloadBytes` is the sum over the entries; it and `size` never grow past their bounds.
 * 4. A refusal changes nothing but the deadline of a pod that is in already: it is alive.
 * 5. `version` moves exactly when something moved that a template can see: membership, order, or a member's own fields.
 * 6. No I/O and no clock: times are parameters, and `nowMs` never goes back.
 */

export interface TableOptions {
  readonly ttlMs: number;
  /** The proxy's own app: its pods are members, but not hosts. */
  readonly ownApp: string;
  readonly maxMembers: number;
  /** All payloads together, as JSON. */
  readonly maxPayloadBytes: number;
  /** One that a shared store asks, too; the table's own when absent. */
  readonly guard?: Guard;
}

const NEVER_MS = Number.NEGATIVE_INFINITY;

interface State extends Required<TableOptions> {
  /** In the order of deadlines. */
  readonly entries: Map<string, TableEntry>;
  arrivals: number;
  payloadBytes: number;
  version: number;
  /** As of its `version`: sorted only when somebody looks. */
  ordered: {readonly version: number; readonly entries: readonly TableEntry[]; readonly hosts: Hosts};
}

/** Makes an empty table. */
export function createTable(options: TableOptions): MemberTable {
  const {guard = createGuard(options)} = options;
  const state: State = {
    ...options,
    guard,
    entries: new Map(),
    arrivals: 0,
    payloadBytes: 0,
    version: 0,
    ordered: {version: 0, entries: [], hosts: new Map()},
  };
  const {entries} = state;
  return {
    record: (ping, now) => record(state, ping, now),
    settle: (ip, arrival, seq) => settle(state, ip, arrival, seq),
    expire: nowMs => siftSilent(entries, state, nowMs).map(entry => remove(state, entry)),
    grantFreshTtl: nowMs => grantFreshTtl(state, nowMs),
    restore: (members, now) => restore(state, members, now),
    provisional: () =>
      inOrder(state)
        .entries.filter(entry => entry.seq === undefined)
        .map(entry => ({member: memberOf(entry), arrival: entry.arrival})),
    adopt: (member, heldForMs, now) => adopt(state, member, heldForMs, now),
    release(ip) {
      const entry = entries.get(ip);
      if (entry !== undefined) entry.kept = false;
    },
    drop(ip) {
      const entry = entries.get(ip);
      return entry && remove(state, entry);
    },
    stay(ip) {
      const entry = entries.get(ip);
      return (
        entry && {member: memberOf(entry), arrival: entry.arrival, heardMs: entry.heard ? entry.heardMs : NEVER_MS}
      );
    },
    members: nowMs => inOrder(state).entries.map(entry => viewOf(entry, nowMs, state.ttlMs)),
    find(ip) {
      const entry = entries.get(ip);
      return entry && memberOf(entry);
    },
    hosts: () => inOrder(state).hosts,
    get version() {
      return state.version;
    },
    get size() {
      return entries.size;
    },
    get payloadBytes() {
      return state.payloadBytes;
    },
    guard: {
      get held() {
        return heldIn(state).length;
      },
      get silentSince() {
        const heardAt = heldIn(state).map(({lastSeenAt}) => lastSeenAt);
        return heardAt.length === 0 ? undefined : heardAt.reduce((first, at) => Math.min(first, at));
      },
      get holds() {
        return guard.holds;
      },
    },
  };
}

const heldIn = ({entries}: State): TableEntry[] =>
  [...entries.values()].filter(({heldUntilMs}) => heldUntilMs !== undefined);

function record(state: State, ping: Ping, now: Moment): Outcome {
  const entry = state.entries.get(ping.ip);
  if (ping.down) return leave(state, entry, ping);
  if (entry === undefined) return join(state, ping, now);
  return isSamePod(entry.pod, ping) ? hear(state, entry, ping, now) : contest(state, entry, ping, now);
}

function join(state: State, ping: Ping, now: Moment): Outcome {
  const entry = createEntry(ping, state.arrivals + 1, now);
  const refusal = admit(state, entry, now);
  if (refusal !== undefined) return refusal;
  state.arrivals += 1;
  return {is: 'joined', member: memberOf(entry), arrival: entry.arrival};
}

function hear(state: State, entry: TableEntry, ping: Ping, now: Moment): Outcome {
  touch(state, entry, now);
  entry.heardMs = now.nowMs;
  entry.heard = true;
  if (isUnchanged(entry.pod, ping)) return {is: 'refreshed', alternating: false};
  return rewrite(state, entry, ping) ? {is: 'changed', member: memberOf(entry)} : refusedPayload(state);
}

/** Another pod than the one that has the IP pings from it. */
function contest(state: State, entry: TableEntry, ping: Ping, now: Moment): Outcome {
  const {holderStays, alternating, rivals} = judgeContest(entry, ping, now.nowMs, state.ttlMs);
  const previous = memberOf(entry);
  if (!holderStays && !rewrite(state, entry, ping)) return refusedPayload(state);
  touch(state, entry, now);
  entry.rivals = rivals;
  if (holderStays) return {is: 'refreshed', alternating};
  entry.heardMs = now.nowMs;
  entry.heard = true;
  if (!alternating) {
    state.arrivals += 1;
    entry.arrival = state.arrivals;
    entry.seq = undefined;
    entry.firstSeenAt = now.epochMs;
  }
  return {is: 'replaced', member: memberOf(entry), previous, arrival: entry.arrival, alternating};
}

function leave(state: State, entry: TableEntry | undefined, ping: Ping): Outcome {
  if (entry === undefined) return {is: 'ignored', why: 'absent'};
  if (!isSamePod(entry.pod, ping)) return {is: 'ignored', why: 'other-pod'};
  return {is: 'left', member: remove(state, entry)};
}

function settle(state: State, ip: string, arrival: number, seq: number): boolean {
  const entry = state.entries.get(ip);
  if (entry === undefined || entry.arrival !== arrival || entry.seq !== undefined) return false;
  entry.seq = seq;
  state.version += 1;
  return true;
}

function grantFreshTtl({entries, guard, ttlMs}: State, nowMs: number): void {
  guard.forget();
  for (const entry of entries.values()) {
    entry.heardMs = nowMs;
    entry.deadlineMs = nowMs + ttlMs;
    entry.heldUntilMs = undefined;
  }
}

function restore(state: State, members: readonly Member[], now: Moment): void {
  for (const {seq, firstSeenAt, lastSeenAt, ...pod} of members) {
    if (state.entries.has(pod.ip)) continue;
    const entry = createEntry({...pod, down: false}, state.arrivals + 1, now);
    if (admit(state, entry, now) !== undefined) continue;
    state.arrivals += 1;
    Object.assign(entry, {seq, heard: false, firstSeenAt, lastSeenAt});
  }
}

function adopt(
  state: State,
  {seq, firstSeenAt, lastSeenAt: _, ...rest}: Member,
  heldForMs: number | undefined,
  now: Moment,
): MemberEvent | undefined {
  const pod: Ping = {...rest, down: false};
  const known = state.entries.get(pod.ip);
  const entry = known ?? createEntry(pod, state.arrivals + 1, now);
  const previous = known && memberOf(known);
  const unchanged = known !== undefined && isSamePod(known.pod, pod) && isUnchanged(known.pod, pod);
  if (known === undefined && admit(state, entry, now) !== undefined) return undefined;
  if (!unchanged && !rewrite(state, entry, pod)) return undefined;
  entry.kept = true;
  entry.heldUntilMs = heldForMs === undefined ? undefined : now.nowMs + heldForMs;
  if (unchanged && entry.seq === seq) return undefined;
  state.version += 1;
  Object.assign(entry, {seq, firstSeenAt});
  if (unchanged) return {is: 'settled', member: memberOf(entry)};
  if (previous !== undefined && isSamePod(previous, pod)) return {is: 'changed', member: memberOf(entry)};
  state.arrivals += 1;
  succeed(entry, previous, state.arrivals, now.nowMs);
  const member = memberOf(entry);
  return previous === undefined ? {is: 'joined', member} : {is: 'replaced', member, previous, alternating: false};
}

const refusedPayload = ({maxPayloadBytes}: State): Outcome => ({
  is: 'refused',
  why: 'payloads',
  bound: maxPayloadBytes,
});

/** Takes a new entry in; the refusal when there is no room for it. */
function admit(state: State, entry: TableEntry, now: Moment): Outcome | undefined {
  const {entries, maxMembers, maxPayloadBytes} = state;
  if (entries.size >= maxMembers) return {is: 'refused', why: 'members', bound: maxMembers};
  if (state.payloadBytes + entry.payloadBytes > maxPayloadBytes) return refusedPayload(state);
  state.payloadBytes += entry.payloadBytes;
  touch(state, entry, now);
  state.version += 1;
  return undefined;
}

/** The IP was heard: its time begins anew, and its place in the order of deadlines is the last. */
function touch({entries, ttlMs}: State, entry: TableEntry, now: Moment): void {
  entry.lastSeenAt = now.epochMs;
  entry.deadlineMs = now.nowMs + ttlMs;
  entry.heldUntilMs = undefined;
  entries.delete(entry.pod.ip);
  entries.set(entry.pod.ip, entry);
}

/** Puts new content on an IP; false when its payload has no room. */
function rewrite(state: State, entry: TableEntry, pod: Ping): boolean {
  const growth = payloadBytesOf(pod) - entry.payloadBytes;
  if (state.payloadBytes + growth > state.maxPayloadBytes) return false;
  state.payloadBytes += growth;
  entry.payloadBytes += growth;
  entry.pod = pod;
  state.version += 1;
  return true;
}

function remove(state: State, entry: TableEntry): Member {
  state.entries.delete(entry.pod.ip);
  state.payloadBytes -= entry.payloadBytes;
  state.version += 1;
  return memberOf(entry);
}

function inOrder(state: State): State['ordered'] {
  if (state.ordered.version !== state.version) {
    const entries = [...state.entries.values()].sort(bySeq);
    const hosts = deriveHosts(
      entries.map(({pod}) => pod),
      state.ownApp,
    );
    state.ordered = {version: state.version, entries, hosts};
  }
  return state.ordered;
}

const viewOf = (entry: TableEntry, nowMs: number, ttlMs: number): MemberView => ({
  ...memberOf(entry),
  held: entry.heldUntilMs !== undefined,
  expiresInMs: expiresInMs(entry, nowMs, ttlMs),
});

/** How long a pod that another replica hears has left is not known here: a TTL at most. */
function expiresInMs({heldUntilMs, deadlineMs, kept}: TableEntry, nowMs: number, ttlMs: number): number {
  const leftMs = Math.max(0, Math.round((heldUntilMs ?? deadlineMs) - nowMs));
  return kept && leftMs === 0 ? ttlMs : leftMs;
}
