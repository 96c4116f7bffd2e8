import {EtcdFault} from '../../etcd/fault.ts';
import type {Follower, FollowPorts} from '../../etcd/follow.ts';
import type {Gateway} from '../../etcd/gateway.ts';
import {type EtcdEvent, type KeyValue, keyRequest, parseRangeAnswer, rangeRequest} from '../../etcd/wire.ts';
import {type Clock, pause, within} from '../../ports/clock.ts';
import type {Log} from '../../ports/log.ts';
import type {Guard} from '../guard.ts';
import type {MemberEvent} from '../member-event.ts';
import type {Keeping, KeepPorts} from '../store.ts';
import {decodeDocument, type Stored} from './document.ts';
import type {Keys} from './keys.ts';
import {createReplica, type ReplicaView} from './replica.ts';
import {createSharedSeq} from './shared-seq.ts';
import type {Write} from './write.ts';
import {createWriter, type Writer} from './writer.ts';

/** etcd is asked at least this often, so that we notice when it is away. */
const HEARTBEAT_MS = 1000;

/** Suspects are looked at this often. */
const TICK_MS = 100;

/** Pings that arrive within this time share a request; a renewal is in less of a hurry than a join. */
const COALESCE_MS = {writes: 5, renewals: 100} as const;

/** Members in one request: etcd takes 128 operations at most. */
const BATCH = 100;

/** Requests under way at once. */
const LANES = 3;

const RETRY_MS = 250;

/** At the end, what is unwritten gets this long. */
const CLOSE_MS = 1000;

/** Without an answer for this long, slaves are told to try another replica. */
export const AWAY_MS = 3000;

export interface EtcdPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly gateway: Gateway;
  readonly follow: (ports: FollowPorts) => Follower;
  readonly keys: Keys;
  /** The table's own. */
  readonly guard: Guard;
  readonly ttlMs: number;
  readonly ownApp: string;
  /** How this replica's own keys start. */
  readonly ownReplicaKeys: string;
  readonly confirmMs: number;
  /** The snapshot was written by a master that did not share: etcd does not know its members. */
  readonly isForeign: boolean;
}

/** Takes what etcd did not answer, and nothing else. */
function onlyAway(error: unknown): undefined {
  if (!(error instanceof EtcdFault)) throw error;
}

/** etcd at work on one table. */
export interface EtcdKeeping extends Keeping {
  isLinked(): boolean;
  /** When etcd last answered while the watch ran (monotonic). */
  linkedMs(): number;
  lostReplica(): void;
  readonly loaded: Promise<void>;
  remembers(): boolean;
}

interface State extends EtcdPorts, KeepPorts {
  readonly writer: Writer;
  readonly replica: ReplicaView;
  readonly closing: AbortController;
  /** Requests under way. */
  readonly lanes: Set<Promise<void>>;
  readonly loaded: PromiseWithResolvers<void>;
  follower: Follower;
  /** When etcd last answered while the watch ran (monotonic). */
  linkedMs: number;
  /** etcd's when it last answered while the watch ran. */
  revision: number;
  remembers: boolean;
  /** When the next flush is due (monotonic), and what cancels it. */
  wakeAtMs: number;
  disarm: () => void;
  stopTicking: () => void;
}

/** What follows nothing yet. */
const UNLINKED: Follower = {linked: false, relink() {}, close() {}};

/** Keeps a table: carries what the replica decides to etcd, and what etcd says to the replica. */
export function keepByEtcd(ports: EtcdPorts, keepPorts: KeepPorts): EtcdKeeping {
  const {clock, log, gateway, keys} = ports;
  const {table, seq} = keepPorts;
  const state: State = {
    ...ports,
    ...keepPorts,
    writer: createWriter(gateway, keys, createSharedSeq(gateway, keys.seq, seq)),
    replica: createReplica({...ports, table}),
    closing: new AbortController(),
    lanes: new Set(),
    loaded: Promise.withResolvers(),
    follower: UNLINKED,
    linkedMs: Number.NEGATIVE_INFINITY,
    revision: 0,
    remembers: false,
    wakeAtMs: Number.POSITIVE_INFINITY,
    disarm() {},
    stopTicking() {},
  };
  const {replica} = state;
  state.follower = ports.follow({gateway, prefix: keys.members, clock, log, ...listenersOf(state)});
  state.stopTicking = clock.after(TICK_MS, () => tick(state));
  void beat(state);

  return {
    isLinked: () => state.follower.linked,
    linkedMs: () => state.linkedMs,
    lostReplica: () => replica.lostReplica(clock.nowMs()),
    loaded: state.loaded.promise,
    remembers: () => state.remembers,
    heard(ping, outcome) {
      replica.heard(ping, outcome, clock.nowMs());
      if (!replica.isIdle) wake(state, outcome.is === 'refreshed' ? COALESCE_MS.renewals : COALESCE_MS.writes);
    },
    // Leases end a stay, whoever listens.
    listening() {},
    close: () => close(state),
  };
}

const now = ({clock}: State) => ({nowMs: clock.nowMs(), epochMs: clock.epochMs()});

function tell({onEvents}: State, events: readonly MemberEvent[]): void {
  if (events.length > 0) onEvents(events);
}

const ipIn = ({keys}: State, key: string): string => key.slice(keys.members.length);

function listenersOf(state: State): Pick<FollowPorts, 'onLoad' | 'onEvents' | 'onReturn' | 'onLinked'> {
  const {clock, log, replica} = state;
  return {
    onLoad({kvs, revision, forgot}) {
      const documents = new Map(kvs.flatMap(kv => [storedIn(state, kv) ?? []].filter(entry => entry.length === 2)));
      tell(state, replica.loaded({documents, revision, forgot}, now(state)));
      replica.passed(revision);
      state.revision = revision;
      state.remembers ||= documents.size > 0;
      state.loaded.resolve();
      log.info({members: documents.size, revision}, 'members loaded from etcd');
    },
    onEvents(events, revision) {
      tell(
        state,
        events.flatMap(event => takeEvent(state, event)),
      );
      replica.passed(revision);
      state.revision = Math.max(state.revision, revision);
      wake(state, COALESCE_MS.writes);
    },
    async onReturn(revision) {
      if (await hasWitness(state)) replica.returned(revision);
    },
    onLinked() {
      state.linkedMs = clock.nowMs();
      wake(state, 0);
    },
  };
}

function storedIn(state: State, kv: KeyValue): [ip: string, stored: Stored] | undefined {
  const document = decodeDocument(kv.value);
  const ip = ipIn(state, kv.key);
  if (document === undefined || document.member.ip !== ip) {
    state.log.warn({ip}, 'a key in etcd holds no member: left alone');
    return undefined;
  }
  state.seq.saw(document.member.seq ?? 0);
  return [ip, {document, revision: kv.revision, lease: kv.lease}];
}

function takeKey(state: State, kv: KeyValue): MemberEvent[] {
  const {replica, clock} = state;
  const entry = storedIn(state, kv);
  if (entry === undefined) return replica.obstructed(ipIn(state, kv.key), kv.revision, clock.nowMs());
  return replica.put(...entry, now(state));
}

const takeEvent = (state: State, event: EtcdEvent): MemberEvent[] =>
  event.is === 'put'
    ? takeKey(state, event.kv)
    : state.replica.gone(ipIn(state, event.key), event.revision, state.clock.nowMs());

/** Whether another replica is there, without a break, since before we lost touch. */
async function hasWitness({gateway, keys, revision, ownReplicaKeys}: State): Promise<boolean> {
  const request = rangeRequest(keys.replicas, {limit: BATCH, createdUpTo: revision});
  const {kvs} = parseRangeAnswer(await gateway.ask('/kv/range', request));
  return kvs.some(({key}) => !key.startsWith(ownReplicaKeys));
}

/** What waits is written after `delayMs`, or when an earlier call said so. */
function wake(state: State, delayMs: number): void {
  const {clock, closing} = state;
  const atMs = clock.nowMs() + delayMs;
  if (closing.signal.aborted || atMs >= state.wakeAtMs) return;
  state.disarm();
  state.wakeAtMs = atMs;
  state.disarm = clock.after(delayMs, () => {
    state.wakeAtMs = Number.POSITIVE_INFINITY;
    flush(state);
  });
}

function flush(state: State): void {
  const {follower, lanes, replica} = state;
  if (!follower.linked) return;
  while (lanes.size < LANES) {
    const writes = replica.takeWrites(BATCH);
    if (writes.length === 0) break;
    enter(state, carryWrites(state, writes));
  }
  const leases = lanes.size < LANES ? replica.takeRenewals() : [];
  if (leases.length > 0) enter(state, carryRenewals(state, leases));
}

function enter(state: State, work: Promise<void>): void {
  const {lanes, replica} = state;
  const lane = work.finally(() => {
    lanes.delete(lane);
    if (!replica.isIdle) wake(state, COALESCE_MS.writes);
  });
  lanes.add(lane);
}

async function carryWrites(state: State, writes: readonly Write[]): Promise<void> {
  const {writer, replica, clock} = state;
  const outcomes = await unlessAway(state, writer.write(writes), 'members not written to etcd');
  const events = outcomes?.flatMap((outcome, index) => {
    const {ip} = writes[index] ?? {ip: ''};
    if (outcome.is === 'written') return replica.put(ip, outcome, now(state));
    if (outcome.current !== undefined) return takeKey(state, outcome.current);
    return replica.gone(ip, outcome.revision, clock.nowMs());
  });
  for (const {ip} of writes) replica.settled(ip);
  tell(state, events ?? []);
}

async function carryRenewals(state: State, leases: readonly string[]): Promise<void> {
  const unanswered = await unlessAway(state, state.writer.renew(leases), 'leases not renewed');
  state.replica.renewAgain(unanswered ?? leases);
}

/** What etcd answered; undefined, after a moment, when it did not. A fault of our own is rejected with. */
async function unlessAway<T>(state: State, answer: Promise<T>, message: string): Promise<T | undefined> {
  const {clock, log, closing} = state;
  try {
    const answered = await answer;
    state.linkedMs = clock.nowMs();
    return answered;
  } catch (error) {
    if (!(error instanceof EtcdFault)) throw error;
    log.debug({reason: error.message}, message);
  }
  await pause(clock, RETRY_MS, closing.signal);
  return undefined;
}

async function beat(state: State): Promise<void> {
  const {clock, gateway, keys, closing} = state;
  while (!closing.signal.aborted) {
    await pause(clock, HEARTBEAT_MS, closing.signal);
    const answer = await gateway.ask('/kv/range', keyRequest(keys.seq)).catch(onlyAway);
    if (answer === undefined || !state.follower.linked) continue;
    state.linkedMs = clock.nowMs();
    state.revision = Math.max(state.revision, parseRangeAnswer(answer).header.revision);
  }
}

function tick(state: State): void {
  const {clock, follower, replica} = state;
  if (follower.linked && clock.nowMs() - state.linkedMs < AWAY_MS) {
    tell(state, replica.tick(now(state)));
    if (!replica.isIdle) wake(state, COALESCE_MS.writes);
  }
  state.stopTicking = clock.after(TICK_MS, () => tick(state));
}

async function close(state: State): Promise<void> {
  const {clock, lanes, closing} = state;
  flush(state);
  await within(clock, CLOSE_MS, Promise.all(lanes));
  closing.abort(new Error('closed'));
  state.stopTicking();
  state.disarm();
  state.follower.close();
}
