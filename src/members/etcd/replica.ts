import {isSamePod} from '../entry.ts';
import type {Guard} from '../guard.ts';
import type {Member, Ping} from '../member.ts';
import type {MemberEvent} from '../member-event.ts';
import type {MemberTable, Stay} from '../member-table.ts';
import type {Moment, Outcome} from '../outcome.ts';
import type {Document, Stored, StoreLoad} from './document.ts';
import {type Intent, remainder} from './intent.ts';
import {createSuspects, type Suspects} from './suspects.ts';
import {createTombstones, type Tombstones} from './tombstones.ts';
import {deriveWrite, type Write} from './write.ts';

/*
 * INVARIANTS
 * 1. What is in the table = what etcd says, where we have nothing to add; our intents on top; and the suspects.
 * 2. News of a key counts once: whatever is not newer than what we know of that key is ignored, so that any order and
 *    duplication of events, answers and loads ends the same.
 * 3. Nobody leaves but by a goodbye, or by etcd's word that nobody renewed its lease, after a while in which any replica
 *    that did hear the pod can say so. Our own inability to reach etcd removes nobody.
 * 4. A write names the revision it builds upon; one that lost the race is judged again upon what won.
 * 5. No I/O and no clock.
 */

/** A goodbye that could not be told within this time is dropped: the pod may be back, and said so elsewhere. */
const DOWN_PATIENCE_MS = 3000;

export interface ReplicaOptions {
  readonly table: MemberTable;
  readonly guard: Guard;
  readonly ttlMs: number;
  readonly ownApp: string;
  /** How long a replica that heard a pod may take to say so after etcd ended its key. */
  readonly confirmMs: number;
  /** The table's restored members are unknown to etcd: they come from a master that did not share. */
  readonly isForeign: boolean;
}

/** One replica's part in the shared membership, as decisions only. Methods that return news have changed the table. */
export interface ReplicaView {
  /** A ping was recorded in the table. */
  heard(ping: Ping, outcome: Outcome, nowMs: number): void;
  /** Everything at once: at the start, and when events were missed. */
  loaded(load: StoreLoad, now: Moment): MemberEvent[];
  /** A key was written, here or elsewhere. */
  put(ip: string, stored: Stored, now: Moment): MemberEvent[];
  /** A key ended. */
  gone(ip: string, revision: number, nowMs: number): MemberEvent[];
  /** A key holds what no replica wrote: it is left alone until the pod of that IP pings. */
  obstructed(ip: string, revision: number, nowMs: number): MemberEvent[];
  /** All events up to this revision were told: what ended before it can be forgotten. */
  passed(revision: number): void;
  /** We were away up to this revision, and another replica was there all the while. */
  returned(revision: number): void;
  /** A replica fell silent: what it heard last may be lost. */
  lostReplica(nowMs: number): void;
  /** Decides on the suspects; to be called while etcd answers only. */
  tick(now: Moment): MemberEvent[];
  /** Takes the next writes, at most `limit`; each must be answered by `put`, `gone` or nothing, then by `settled`. */
  takeWrites(limit: number): Write[];
  /** The write of this IP has ended. */
  settled(ip: string): void;
  /** Takes the leases to be renewed. */
  takeRenewals(): string[];
  /** These could not be renewed. */
  renewAgain(leases: readonly string[]): void;
  /** Whether anything waits to be written or renewed. */
  readonly isIdle: boolean;
}

interface State extends ReplicaOptions {
  readonly known: Map<string, Stored>;
  /** Keys that ended, and the revision of their end. */
  readonly ended: Map<string, number>;
  /** Keys that hold no member, and their revision. */
  readonly obstacles: Map<string, number>;
  readonly intents: Map<string, Intent>;
  /** IPs whose write is under way. */
  readonly writing: Set<string>;
  /** Leases to be renewed. */
  readonly renewals: Set<string>;
  readonly tombstones: Tombstones;
  readonly suspects: Suspects;
  /** What the snapshot remembered was not yet compared with what etcd knows. */
  isUncompared: boolean;
  /** Ends up to this revision were another replica's to judge. */
  judgedUpTo: number;
  /** Ends up to this revision are remembered no longer: what else is told of one cannot be news. */
  floor: number;
}

export function createReplica(options: ReplicaOptions): ReplicaView {
  const state: State = {
    ...options,
    known: new Map(),
    ended: new Map(),
    obstacles: new Map(),
    intents: new Map(),
    writing: new Set(),
    renewals: new Set(),
    tombstones: createTombstones(),
    suspects: createSuspects(options),
    isUncompared: true,
    judgedUpTo: 0,
    floor: 0,
  };
  const {intents, writing, renewals, obstacles} = state;
  return {
    put: (ip, stored, now) => put(state, ip, stored, now),
    gone: (ip, revision, nowMs) => gone(state, ip, revision, nowMs),
    heard: (ping, outcome, nowMs) => heard(state, ping, outcome, nowMs),
    loaded: (load, now) => loaded(state, load, now),
    obstructed(ip, revision, nowMs) {
      const news = gone(state, ip, revision, nowMs);
      obstacles.set(ip, revision);
      return news;
    },
    passed(revision) {
      state.floor = Math.max(state.floor, revision);
      for (const [ip, endedAt] of state.ended) if (endedAt <= state.floor) state.ended.delete(ip);
    },
    returned(revision) {
      state.judgedUpTo = revision;
    },
    lostReplica: nowMs => state.suspects.suspend(nowMs),
    tick: now => tick(state, now),
    takeWrites: limit => takeWrites(state, limit),
    settled: ip => void writing.delete(ip),
    takeRenewals() {
      const leases = [...renewals];
      renewals.clear();
      return leases;
    },
    renewAgain(leases) {
      for (const lease of leases) renewals.add(lease);
    },
    get isIdle() {
      return intents.size === 0 && renewals.size === 0 && writing.size === 0;
    },
  };
}

const revisionOf = ({known, ended, floor}: State, ip: string): number =>
  known.get(ip)?.revision ?? ended.get(ip) ?? floor;

const isServed = (stored: Stored | undefined): boolean => stored !== undefined && stored.document.is !== 'down';

const hears = ({table, ttlMs}: State, ip: string, nowMs: number): boolean =>
  nowMs - (table.stay(ip)?.heardMs ?? Number.NEGATIVE_INFINITY) < ttlMs;

const left = (member: Member | undefined, why: 'down' | 'silent'): MemberEvent[] =>
  member === undefined ? [] : [{is: 'left', member, why}];

function heard(state: State, ping: Ping, outcome: Outcome, nowMs: number): void {
  const {known, intents, suspects, writing} = state;
  const {ip} = ping;
  const stored = known.get(ip);
  switch (outcome.is) {
    case 'joined':
    case 'replaced':
    case 'changed':
      suspects.delete(ip);
      intents.set(ip, {is: 'alive'});
      return;
    case 'left':
      suspects.delete(ip);
      if (isServed(stored) || writing.has(ip)) intents.set(ip, {is: 'down', member: outcome.member, atMs: nowMs});
      else intents.delete(ip);
      return;
    case 'refreshed':
      if (outcome.alternating) return;
      suspects.delete(ip);
      if (stored?.document.is === 'alive') renew(state, ip, stored);
      else intents.set(ip, {is: 'alive'});
      return;
    case 'refused':
      if (stored?.document.member.id === ping.id) renew(state, ip, stored);
      return;
    case 'ignored':
      return;
  }
}

/** The pod was heard: its stay goes on for a TTL. A shared lease would carry others on, so the pod gets another. */
function renew({renewals, intents}: State, ip: string, stored: Stored | undefined): void {
  if (stored?.document.is !== 'alive') return;
  if (!stored.document.sharesLease) renewals.add(stored.lease);
  else if (!intents.has(ip)) intents.set(ip, {is: 'alive'});
}

function put(state: State, ip: string, stored: Stored, now: Moment): MemberEvent[] {
  if (stored.revision <= revisionOf(state, ip)) return [];
  state.known.set(ip, stored);
  state.ended.delete(ip);
  state.obstacles.delete(ip);
  return follow(state, ip, stored, now);
}

/** The table follows what etcd says of an IP, and what is left of our own word. */
function follow(state: State, ip: string, {document, ...stored}: Stored, now: Moment): MemberEvent[] {
  const {table, intents, tombstones, suspects, renewals} = state;
  const stay = table.stay(ip);
  const intent = intents.get(ip);
  const rest = intent && remainder(intent, stay?.member, document, tombstones.include(document));
  tombstones.delete(ip);
  if (rest !== undefined) return settle(state, stay, document);
  intents.delete(ip);
  suspects.delete(ip);
  if (document.is === 'down') return left(table.drop(ip), 'down');
  if (intent?.is === 'alive' && document.is === 'alive' && !document.sharesLease) renewals.add(stored.lease);
  const news = table.adopt(document.member, document.is === 'held' ? document.forMs : undefined, now);
  return news === undefined ? [] : [news];
}

/** Our word of a pod that etcd knows otherwise: ours is served until it is written, but the number is etcd's. */
function settle({table}: State, stay: Stay | undefined, {is, member}: Document): MemberEvent[] {
  if (stay === undefined || is === 'down' || member.seq === undefined || !isSamePod(stay.member, member)) return [];
  const isSettled = table.settle(member.ip, stay.arrival, member.seq);
  return isSettled ? [{is: 'settled', member: {...stay.member, seq: member.seq}}] : [];
}

function gone(state: State, ip: string, revision: number, nowMs: number): MemberEvent[] {
  const {table, known, intents, suspects} = state;
  if (revision <= revisionOf(state, ip)) return [];
  state.obstacles.delete(ip);
  const stored = known.get(ip);
  known.delete(ip);
  state.ended.set(ip, revision);
  state.tombstones.delete(ip);
  table.release(ip);
  if (stored === undefined || !isServed(stored)) return [];
  if (intents.get(ip)?.is === 'down') intents.delete(ip);
  else if (hears(state, ip, nowMs)) intents.set(ip, {is: 'alive'});
  else if (!intents.has(ip)) {
    const {is, member} = stored.document;
    const isJudged = revision <= state.judgedUpTo;
    suspects.add(ip, {app: member.app, is: is === 'held' ? 'final' : isJudged ? 'judged' : 'open'}, nowMs);
  }
  return [];
}

function loaded(state: State, load: StoreLoad, now: Moment): MemberEvent[] {
  if (load.forgot) forget(state, now.nowMs);
  const puts = [...load.documents].flatMap(([ip, stored]) => put(state, ip, stored, now));
  const ends = [...state.known.keys()]
    .filter(ip => !load.documents.has(ip))
    .flatMap(ip => gone(state, ip, load.revision, now.nowMs));
  judgeUnknown(state, load, now.nowMs);
  return [...puts, ...ends];
}

/** It is another etcd, or one that lost its memory: nothing that we know of it holds. */
function forget(state: State, nowMs: number): void {
  const {table, known, ended, obstacles, tombstones, renewals} = state;
  for (const forgotten of [known, ended, obstacles, tombstones, renewals]) forgotten.clear();
  state.floor = 0;
  state.judgedUpTo = 0;
  for (const {ip} of table.members(nowMs)) table.release(ip);
}

/** Those in the table that etcd does not know: heard by us, remembered, or lost with etcd's memory. */
function judgeUnknown(state: State, {documents, forgot}: StoreLoad, nowMs: number): void {
  const {table, known, intents, suspects, ttlMs} = state;
  const isNew = forgot || (state.isUncompared && (state.isForeign || documents.size === 0));
  for (const {ip, app} of table.members(nowMs)) {
    if (isServed(known.get(ip)) || intents.has(ip)) continue;
    if (hears(state, ip, nowMs)) intents.set(ip, {is: 'alive'});
    else if (isNew) intents.set(ip, {is: 'hold', forMs: ttlMs});
    else suspects.add(ip, {app, is: 'final'}, nowMs);
  }
  state.isUncompared = false;
}

function tick(state: State, now: Moment): MemberEvent[] {
  const {table, known, intents, suspects} = state;
  const news = giveUpOldIntents(state, now);
  const alive = () => [...known.values()].flatMap(({document}) => (document.is === 'alive' ? [document.member] : []));
  const {leaving, held} = suspects.decide(alive, now.nowMs);
  for (const [ip, forMs] of held) intents.set(ip, {is: 'hold', forMs});
  return [...news, ...leaving.flatMap(ip => left(table.drop(ip), 'silent'))];
}

function giveUpOldIntents(state: State, now: Moment): MemberEvent[] {
  const {table, known, intents, suspects, writing} = state;
  return [...intents].flatMap(([ip, intent]) => {
    const isOld =
      intent.is === 'down'
        ? now.nowMs - intent.atMs > DOWN_PATIENCE_MS
        : intent.is === 'alive' && !hears(state, ip, now.nowMs);
    if (!isOld || writing.has(ip)) return [];
    intents.delete(ip);
    const stored = known.get(ip);
    if (stored !== undefined) return follow(state, ip, stored, now);
    const app = table.stay(ip)?.member.app;
    if (app !== undefined) suspects.add(ip, {app, is: 'final'}, now.nowMs);
    return [];
  });
}

function takeWrites(state: State, limit: number): Write[] {
  const {intents, writing, tombstones} = state;
  const writes: Write[] = [];
  for (const ip of intents.keys()) {
    if (writes.length === limit) break;
    const write = writing.has(ip) ? undefined : writeOf(state, ip);
    if (write === undefined) continue;
    writing.add(ip);
    tombstones.tried(write.document);
    writes.push(write);
  }
  return writes;
}

function writeOf({table, known, obstacles, intents, ttlMs}: State, ip: string): Write | undefined {
  const intent = intents.get(ip);
  const member = intent?.is === 'down' ? intent.member : table.stay(ip)?.member;
  if (intent === undefined || member === undefined) {
    intents.delete(ip);
    return undefined;
  }
  return deriveWrite(intent, member, {stored: known.get(ip), obstacle: obstacles.get(ip)}, ttlMs);
}
