import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {createSource, type OpenSource} from '../ports/source.ts';
import type {Unwritten} from '../ports/write-fault.ts';
import {deriveKey} from './base62.ts';
import type {Hosts, Member, MemberView, Ping} from './member.ts';
import {type MemberChange, UNTOLD} from './member-change.ts';
import {describeEvents, type MemberEvent, verbOf} from './member-event.ts';
import type {GuardView, MemberTable} from './member-table.ts';
import type {Outcome} from './outcome.ts';
import {createSeqMark} from './seq.ts';
import type {RestoredSnapshot, SnapshotFile, SnapshotKeeper} from './snapshot-file.ts';
import type {Store} from './store.ts';

/** A full table is worth one warning in this time, whatever is refused. */
const REFUSAL_WARNING_MS = 60_000;

export interface RegistryOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  /** Empty; the registry owns it from here on. */
  readonly table: MemberTable;
  readonly snapshotFile: Pick<SnapshotFile, 'keep'>;
  /** What `snapshotFile.load()` found. */
  readonly snapshot: RestoredSnapshot;
}

export interface Registry {
  /** Takes a ping in, from memory: waits for nothing. */
  record(ping: Ping): Outcome;
  /**
   * Calls back with all that happened so far, the restored members included, and from then on, synchronously, with
   * whatever happens. One follower.
   */
  follow(listener: (change: MemberChange) => void): void;
  /** Pings can reach us from here on: everybody who was remembered has a TTL to be heard. Called once. */
  listening(): void;
  hosts(): Hosts;
  members(): MemberView[];
  find(ip: string): Member | undefined;
  /** Sends off, at once, each member for which `reasonOf` says why: its pod is gone. */
  evict(reasonOf: (member: Member) => string | undefined): void;
  readonly version: number;
  readonly size: number;
  readonly payloadBytes: number;
  readonly guard: GuardView;
  /** Why the snapshot is not up to date; undefined while it is. */
  readonly unwritten: Unwritten | undefined;
  /** Whether the hosts of an earlier run were taken over; false when it knew none. */
  readonly restored: boolean;
  /** Stops the clockwork and writes the snapshot a last time. Never rejects. */
  close(): Promise<void>;
}

const fieldsOf = ({app, id, ip}: Member) => ({app, ip, member: id});

/** What a log line says of an event beside its member. */
function detailsOf(event: MemberEvent) {
  if (event.is === 'replaced') return {from: event.previous.id};
  if (event.is !== 'left') return {};
  return {reason: event.why === 'evicted' ? event.reason : event.why};
}

/** What a ping did, as an event; undefined when nothing moved. */
function eventOf(outcome: Outcome): MemberEvent | undefined {
  switch (outcome.is) {
    case 'joined':
    case 'changed':
      return {is: outcome.is, member: outcome.member};
    case 'replaced': {
      const {member, previous, alternating} = outcome;
      return {is: 'replaced', member, previous, alternating};
    }
    case 'left':
      return {is: 'left', member: outcome.member, why: 'down'};
    default:
      return undefined;
  }
}

interface State {
  readonly clock: Clock;
  readonly log: Log;
  readonly table: MemberTable;
  readonly changes: OpenSource<MemberChange>;
  readonly keeper: SnapshotKeeper;
  /** IPs from which several pods ping: each is worth one warning for as long as it is in. */
  readonly warnedIps: Set<string>;
  /** Monotonic. */
  refusalWarnedMs: number;
}

/**
 * The live members: the table, fed with time, `seq` numbers and remembered members, and written down as it changes.
 * Logs one line per join, replacement, leave and expiry.
 */
export function openRegistry(options: RegistryOptions): Registry {
  const {clock, log, store, table, snapshotFile, snapshot} = options;
  const now = () => ({nowMs: clock.nowMs(), epochMs: clock.epochMs()});
  if (snapshot.restored) table.restore(snapshot.members, now());
  // A daemon that died before anybody pinged remembers nobody: its successor has to wait for them all the same.
  const restored = snapshot.restored && table.hosts().size > 0;

  const seq = createSeqMark(snapshot.seq);
  const keeper = snapshotFile.keep(() => ({
    seq: seq.highest,
    isShared: store.kind === 'etcd',
    members: table.members(clock.nowMs()),
  }));
  const refusalWarnedMs = Number.NEGATIVE_INFINITY;
  const state: State = {
    clock,
    log,
    table,
    changes: createSource(UNTOLD),
    keeper,
    warnedIps: new Set(),
    refusalWarnedMs,
  };
  const keeping = store.keep({table, seq, onEvents: events => announce(state, events, 'store')});
  if (snapshot.restored) announceRestored(state);

  return {
    record(ping) {
      const outcome = table.record(ping, now());
      keeping.heard(ping, outcome);
      report(state, ping, outcome);
      return outcome;
    },
    follow: state.changes.follow,
    listening: keeping.listening,
    hosts: () => table.hosts(),
    members: () => table.members(clock.nowMs()),
    find: table.find,
    evict(reasonOf) {
      const events = table.members(clock.nowMs()).flatMap(({expiresInMs: _, held: __, ...member}): MemberEvent[] => {
        const reason = reasonOf(member);
        if (reason === undefined) return [];
        const goodbye: Ping = {...member, down: true};
        keeping.heard(goodbye, table.record(goodbye, now()));
        return [{is: 'left', member, why: 'evicted', reason}];
      });
      if (events.length > 0) announce(state, events, 'ping');
    },
    get version() {
      return table.version;
    },
    get size() {
      return table.size;
    },
    get payloadBytes() {
      return table.payloadBytes;
    },
    guard: table.guard,
    get unwritten() {
      return keeper.unwritten;
    },
    restored,
    async close() {
      await keeping.close();
      await keeper.close();
    },
  };
}

/** The one way out for all events. What only the store told of is another replica's to log above `debug`. */
function announce(state: State, events: readonly MemberEvent[], by: 'ping' | 'store'): void {
  const {clock, log, table, changes, keeper, warnedIps} = state;
  for (const event of events) {
    if (event.is === 'left') warnedIps.delete(event.member.ip);
    const isNews = event.is === 'left' || (by === 'ping' && event.is !== 'changed');
    log[isNews ? 'info' : 'debug']({...fieldsOf(event.member), ...detailsOf(event)}, `member ${verbOf(event)}`);
  }
  keeper.changed();
  changes.tell({version: table.version, cause: describeEvents(events), events, at: clock.epochMs()});
}

function announceRestored(state: State): void {
  const {clock, log, table} = state;
  const events = table.members(clock.nowMs()).map((member): MemberEvent => ({is: 'restored', member}));
  log.info({members: events.length}, 'members restored');
  if (events.length > 0) announce(state, events, 'store');
}

function report(state: State, ping: Ping, outcome: Outcome): void {
  const {log} = state;
  const event = eventOf(outcome);
  if (event !== undefined) announce(state, [event], 'ping');
  if (outcome.is === 'joined' && ping.key !== deriveKey(ping.ip)) {
    log.debug({ip: ping.ip, key: ping.key}, 'key does not belong to ip');
  }
  if (outcome.is === 'refreshed' && outcome.alternating) warnOfAlternation(state, ping);
  if (outcome.is === 'ignored') log.debug({ip: ping.ip, member: ping.id, reason: outcome.why}, 'down ignored');
  if (outcome.is === 'refused') warnOfRefusal(state, outcome.why, outcome.bound);
}

function warnOfAlternation({log, warnedIps}: State, {ip, id}: Ping): void {
  if (warnedIps.has(ip)) return;
  warnedIps.add(ip);
  log.warn({ip, member: id}, 'several pods ping from one IP: only one of them is served');
}

function warnOfRefusal(state: State, why: string, bound: number): void {
  const nowMs = state.clock.nowMs();
  if (nowMs - state.refusalWarnedMs < REFUSAL_WARNING_MS) return;
  state.refusalWarnedMs = nowMs;
  state.log.warn({reason: why, bound, members: state.table.size}, 'pings refused: a bound is reached');
}
