import {judgeContest} from './contest.ts';
import {bySeq, createEntry, isSamePod, isUnchanged, memberOf, succeed, type TableEntry} from './entry.ts';
import {createGuard, type Guard} from './guard.ts';
import {deriveHosts} from './hosts.ts';
import type {Hosts, Member, Ping} from './member.ts';
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

/** Of a kept one that another replica hears nobody here knows more than that it is at most a TTL. */
function expiresInMs({heldUntilMs, deadlineMs, kept}: TableEntry, nowMs: number, ttlMs: number): number {
  const leftMs = Math.max(0, Math.round((heldUntilMs ?? deadlineMs) - nowMs));
  return kept && leftMs === 0 ? ttlMs : leftMs;
}

/** Makes an empty table. */
export function createTable(options: TableOptions): MemberTable {
  const {ttlMs, ownApp, maxMembers, maxPayloadBytes, guard = createGuard({ttlMs})} = options;
  const entries = new Map<string, TableEntry>();
  let arrivals = 0;
  let payloadBytes = 0;
  let version = 0;
  let sorted = {version, entries: [] as TableEntry[], hosts: new Map() as Hosts};

  const refusedPayload: Outcome = {is: 'refused', why: 'payloads', bound: maxPayloadBytes};

  const inOrder = () => {
    if (sorted.version !== version) {
      const ordered = [...entries.values()].sort(bySeq);
      const pods = ordered.map(entry => entry.pod);
      sorted = {version, entries: ordered, hosts: deriveHosts(pods, ownApp)};
    }
    return sorted;
  };

  const touch = (entry: TableEntry, now: Moment) => {
    entry.lastSeenAt = now.epochMs;
    entry.deadlineMs = now.nowMs + ttlMs;
    entry.heldUntilMs = undefined;
    entries.delete(entry.pod.ip);
    entries.set(entry.pod.ip, entry);
  };

  const admit = (entry: TableEntry, now: Moment): Outcome | undefined => {
    if (entries.size >= maxMembers) return {is: 'refused', why: 'members', bound: maxMembers};
    if (payloadBytes + entry.payloadBytes > maxPayloadBytes) return refusedPayload;
    payloadBytes += entry.payloadBytes;
    touch(entry, now);
    version += 1;
    return undefined;
  };

  const remove = (entry: TableEntry): Member => {
    entries.delete(entry.pod.ip);
    payloadBytes -= entry.payloadBytes;
    version += 1;
    return memberOf(entry);
  };

  /** Puts new content on an IP; false when its payload has no room. */
  const rewrite = (entry: TableEntry, pod: Ping): boolean => {
    const growth = payloadBytesOf(pod.payload) - entry.payloadBytes;
    if (payloadBytes + growth > maxPayloadBytes) return false;
    payloadBytes += growth;
    entry.payloadBytes += growth;
    entry.pod = pod;
    version += 1;
    return true;
  };

  const join = (ping: Ping, now: Moment): Outcome => {
    const entry = createEntry(ping, arrivals + 1, now);
    const refusal = admit(entry, now);
    if (refusal !== undefined) return refusal;
    arrivals += 1;
    return {is: 'joined', member: memberOf(entry), arrival: entry.arrival};
  };

  const hear = (entry: TableEntry, ping: Ping, now: Moment): Outcome => {
    touch(entry, now);
    entry.heardMs = now.nowMs;
    entry.heard = true;
    if (isUnchanged(entry.pod, ping)) return {is: 'refreshed', alternating: false};
    return rewrite(entry, ping) ? {is: 'changed', member: memberOf(entry)} : refusedPayload;
  };

  const contest = (entry: TableEntry, ping: Ping, now: Moment): Outcome => {
    const {holderStays, alternating, rivals} = judgeContest(entry, ping, now.nowMs, ttlMs);
    const previous = memberOf(entry);
    if (!holderStays && !rewrite(entry, ping)) return refusedPayload;
    touch(entry, now);
    entry.rivals = rivals;
    if (holderStays) return {is: 'refreshed', alternating};
    entry.heardMs = now.nowMs;
    entry.heard = true;
    if (!alternating) {
      arrivals += 1;
      entry.arrival = arrivals;
      entry.seq = undefined;
      entry.firstSeenAt = now.epochMs;
    }
    return {is: 'replaced', member: memberOf(entry), previous, arrival: entry.arrival, alternating};
  };

  const leave = (entry: TableEntry | undefined, ping: Ping): Outcome => {
    if (entry === undefined) return {is: 'ignored', why: 'absent'};
    if (!isSamePod(entry.pod, ping)) return {is: 'ignored', why: 'other-pod'};
    return {is: 'left', member: remove(entry)};
  };

  return {
    record(ping, now) {
      const entry = entries.get(ping.ip);
      if (ping.down) return leave(entry, ping);
      if (entry === undefined) return join(ping, now);
      return isSamePod(entry.pod, ping) ? hear(entry, ping, now) : contest(entry, ping, now);
    },
    settle(ip, arrival, seq) {
      const entry = entries.get(ip);
      if (entry === undefined || entry.arrival !== arrival || entry.seq !== undefined) return false;
      entry.seq = seq;
      version += 1;
      return true;
    },
    expire(nowMs) {
      return siftSilent(entries, {guard, ttlMs, ownApp}, nowMs).map(remove);
    },
    grantFreshTtl(nowMs) {
      guard.forget();
      for (const entry of entries.values()) {
        entry.heardMs = nowMs;
        entry.deadlineMs = nowMs + ttlMs;
        entry.heldUntilMs = undefined;
      }
    },
    nextExpiryMs() {
      let nextMs: number | undefined;
      for (const {heldUntilMs, deadlineMs} of entries.values()) {
        nextMs = Math.min(nextMs ?? Number.POSITIVE_INFINITY, heldUntilMs ?? deadlineMs);
        if (heldUntilMs === undefined) break;
      }
      return nextMs;
    },
    restore(members, now) {
      for (const {seq, firstSeenAt, lastSeenAt, ...pod} of members) {
        if (entries.has(pod.ip)) continue;
        const entry = createEntry({...pod, down: false}, ++arrivals, now);
        if (admit(entry, now) !== undefined) continue;
        entry.seq = seq;
        entry.heard = false;
        entry.firstSeenAt = firstSeenAt;
        entry.lastSeenAt = lastSeenAt;
      }
    },
    provisional() {
      return inOrder()
        .entries.filter(entry => entry.seq === undefined)
        .map(entry => ({member: memberOf(entry), arrival: entry.arrival}));
    },
    adopt({seq, firstSeenAt, lastSeenAt: _, ...rest}, heldForMs, now) {
      const pod: Ping = {...rest, down: false};
      const entry = entries.get(pod.ip) ?? createEntry(pod, arrivals + 1, now);
      const previous = entries.has(pod.ip) ? memberOf(entry) : undefined;
      const unchanged = previous !== undefined && isSamePod(entry.pod, pod) && isUnchanged(entry.pod, pod);
      if (previous === undefined && admit(entry, now) !== undefined) return undefined;
      if (!unchanged && !rewrite(entry, pod)) return undefined;
      entry.kept = true;
      entry.heldUntilMs = heldForMs === undefined ? undefined : now.nowMs + heldForMs;
      if (unchanged && entry.seq === seq) return undefined;
      version += 1;
      Object.assign(entry, {seq, firstSeenAt});
      if (unchanged) return {is: 'settled', member: memberOf(entry)};
      if (previous !== undefined && isSamePod(previous, pod)) return {is: 'changed', member: memberOf(entry)};
      arrivals += 1;
      succeed(entry, previous, arrivals, now.nowMs);
      const member = memberOf(entry);
      return previous === undefined ? {is: 'joined', member} : {is: 'replaced', member, previous, alternating: false};
    },
    release(ip) {
      const entry = entries.get(ip);
      if (entry !== undefined) entry.kept = false;
    },
    drop(ip) {
      const entry = entries.get(ip);
      return entry === undefined ? undefined : remove(entry);
    },
    stay(ip) {
      const entry = entries.get(ip);
      return (
        entry && {member: memberOf(entry), arrival: entry.arrival, heardMs: entry.heard ? entry.heardMs : NEVER_MS}
      );
    },
    members(nowMs) {
      return inOrder().entries.map(entry => ({
        ...memberOf(entry),
        held: entry.heldUntilMs !== undefined,
        expiresInMs: expiresInMs(entry, nowMs, ttlMs),
      }));
    },
    find(ip) {
      const entry = entries.get(ip);
      return entry && memberOf(entry);
    },
    hosts: () => inOrder().hosts,
    get version() {
      return version;
    },
    get size() {
      return entries.size;
    },
    get payloadBytes() {
      return payloadBytes;
    },
    guard: {
      get held() {
        return [...entries.values()].filter(entry => entry.heldUntilMs !== undefined).length;
      },
      get holds() {
        return guard.holds;
      },
    },
  };
}
