import {judgeContest} from './contest.ts';
import {bySeq, createEntry, type Entry, isSamePod, isUnchanged, memberOf} from './entry.ts';
import {deriveHosts} from './hosts.ts';
import type {Hosts, Member, MemberView, Ping} from './member.ts';
import type {Moment, Outcome} from './outcome.ts';
import {payloadBytesOf} from './payload.ts';

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

/** All payloads together, as JSON: what the daemon is ready to hold in memory and in its snapshot. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

export interface TableOptions {
  readonly ttlMs: number;
  /** The proxy's own app: its pods are members, but not hosts. */
  readonly ownApp: string;
  readonly maxMembers: number;
  readonly maxPayloadBytes?: number;
}

/** A member whose `seq` the store has yet to give. */
export interface Provisional {
  readonly member: Member;
  readonly arrival: number;
}

/** Who is alive, keyed by IP. All methods are synchronous and none throws. */
export interface MemberTable {
  /** Takes a ping in; costs the same however many members there are. */
  record(ping: Ping, now: Moment): Outcome;
  /** Gives a stay its `seq`; false when that stay is over or was settled before. */
  settle(ip: string, arrival: number, seq: number): boolean;
  /** Removes and returns those whose time is up. */
  expire(nowMs: number): Member[];
  /** Nobody expires before a TTL from `nowMs`: for after a time in which we could not listen. */
  grantFreshTtl(nowMs: number): void;
  /** When `expire` has something to do next, or undefined for an empty table. */
  nextExpiryMs(): number | undefined;
  /** Takes remembered members in, as they were, each with a fresh TTL; those past a bound, or in already, are left out. */
  restore(members: readonly Member[], now: Moment): void;
  /** Those without a `seq`, in the order they arrived. */
  provisional(): Provisional[];
  members(nowMs: number): MemberView[];
  find(ip: string): Member | undefined;
  hosts(): Hosts;
  readonly version: number;
  readonly size: number;
  readonly payloadBytes: number;
}

/** Makes an empty table; `maxPayloadBytes` is 64 MiB unless given. */
export function createTable(options: TableOptions): MemberTable {
  const {ttlMs, ownApp, maxMembers, maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES} = options;
  const entries = new Map<string, Entry>();
  let arrivals = 0;
  let payloadBytes = 0;
  let version = 0;
  let sorted = {version, entries: [] as Entry[], hosts: new Map() as Hosts};

  const refusedPayload: Outcome = {is: 'refused', why: 'payloads', bound: maxPayloadBytes};

  const inOrder = () => {
    if (sorted.version !== version) {
      const ordered = [...entries.values()].sort(bySeq);
      const pods = ordered.map(entry => entry.pod);
      sorted = {version, entries: ordered, hosts: deriveHosts(pods, ownApp)};
    }
    return sorted;
  };

  const touch = (entry: Entry, now: Moment) => {
    entry.lastSeenAt = now.epochMs;
    entry.deadlineMs = now.nowMs + ttlMs;
    entries.delete(entry.pod.ip);
    entries.set(entry.pod.ip, entry);
  };

  const admit = (entry: Entry, now: Moment): Outcome | undefined => {
    if (entries.size >= maxMembers) return {is: 'refused', why: 'members', bound: maxMembers};
    if (payloadBytes + entry.payloadBytes > maxPayloadBytes) return refusedPayload;
    payloadBytes += entry.payloadBytes;
    touch(entry, now);
    version += 1;
    return undefined;
  };

  const remove = (entry: Entry): Member => {
    entries.delete(entry.pod.ip);
    payloadBytes -= entry.payloadBytes;
    version += 1;
    return memberOf(entry);
  };

  /** Puts new content on an IP; false when its payload has no room. */
  const rewrite = (entry: Entry, pod: Ping): boolean => {
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

  const hear = (entry: Entry, ping: Ping, now: Moment): Outcome => {
    touch(entry, now);
    entry.heardMs = now.nowMs;
    if (isUnchanged(entry.pod, ping)) return {is: 'refreshed', alternating: false};
    return rewrite(entry, ping) ? {is: 'changed', member: memberOf(entry)} : refusedPayload;
  };

  const contest = (entry: Entry, ping: Ping, now: Moment): Outcome => {
    const {holderStays, alternating, rivals} = judgeContest(entry, ping, now.nowMs, ttlMs);
    const previous = memberOf(entry);
    if (!holderStays && !rewrite(entry, ping)) return refusedPayload;
    touch(entry, now);
    entry.rivals = rivals;
    if (holderStays) return {is: 'refreshed', alternating};
    entry.heardMs = now.nowMs;
    if (!alternating) {
      arrivals += 1;
      entry.arrival = arrivals;
      entry.seq = undefined;
      entry.firstSeenAt = now.epochMs;
    }
    return {is: 'replaced', member: memberOf(entry), previous, arrival: entry.arrival, alternating};
  };

  const leave = (entry: Entry | undefined, ping: Ping): Outcome => {
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
      const expired: Member[] = [];
      for (const entry of entries.values()) {
        if (entry.deadlineMs > nowMs) break;
        expired.push(remove(entry));
      }
      return expired;
    },
    grantFreshTtl(nowMs) {
      for (const entry of entries.values()) {
        entry.heardMs = nowMs;
        entry.deadlineMs = nowMs + ttlMs;
      }
    },
    nextExpiryMs() {
      for (const entry of entries.values()) return entry.deadlineMs;
      return undefined;
    },
    restore(members, now) {
      for (const {seq, firstSeenAt, lastSeenAt, ...pod} of members) {
        if (entries.has(pod.ip)) continue;
        const entry = createEntry({...pod, down: false}, ++arrivals, now);
        if (admit(entry, now) !== undefined) continue;
        entry.seq = seq;
        entry.firstSeenAt = firstSeenAt;
        entry.lastSeenAt = lastSeenAt;
      }
    },
    provisional() {
      return inOrder()
        .entries.filter(entry => entry.seq === undefined)
        .map(entry => ({member: memberOf(entry), arrival: entry.arrival}));
    },
    members(nowMs) {
      return inOrder().entries.map(entry => ({
        ...memberOf(entry),
        expiresInMs: Math.max(0, Math.round(entry.deadlineMs - nowMs)),
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
  };
}
