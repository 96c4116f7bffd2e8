import {EtcdFault} from '../../etcd/fault.ts';
import type {Follower, FollowPorts} from '../../etcd/follow.ts';
import type {Gateway} from '../../etcd/gateway.ts';
import {type EtcdEvent, type KeyValue, keyRequest, parseRange, rangeRequest} from '../../etcd/wire.ts';
import {type Clock, pause, sleep} from '../../ports/clock.ts';
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

/** Keeps a table: carries what the replica decides to etcd, and what etcd says to the replica. */
export function keepByEtcd(ports: EtcdPorts, {table, seq, onEvents}: KeepPorts): EtcdKeeping {
  const {clock, log, gateway, keys} = ports;
  const writer: Writer = createWriter(gateway, keys, createSharedSeq(gateway, keys.seq, seq));
  const replica: ReplicaView = createReplica({...ports, table});
  const closing = new AbortController();
  const lanes = new Set<Promise<void>>();
  let lastLinkedMs = Number.NEGATIVE_INFINITY;
  /** etcd's when it last answered while the watch ran. */
  let lastRevision = 0;
  let wakeAtMs = Number.POSITIVE_INFINITY;
  let disarm = () => {};
  const loaded = Promise.withResolvers<void>();
  let remembers = false;

  const moment = () => ({nowMs: clock.nowMs(), epochMs: clock.epochMs()});
  const tell = (events: readonly MemberEvent[]): void => {
    if (events.length > 0) onEvents(events);
  };

  const storedIn = (kv: KeyValue): [ip: string, stored: Stored] | undefined => {
    const document = decodeDocument(kv.value);
    const ip = kv.key.slice(keys.members.length);
    if (document === undefined || document.member.ip !== ip) {
      log.warn({ip}, 'a key in etcd holds no member: left alone');
      return undefined;
    }
    seq.saw(document.member.seq ?? 0);
    return [ip, {document, revision: kv.revision, lease: kv.lease}];
  };

  const putKey = (kv: KeyValue): MemberEvent[] => {
    const entry = storedIn(kv);
    if (entry === undefined) return replica.obstructed(kv.key.slice(keys.members.length), kv.revision, clock.nowMs());
    return replica.put(...entry, moment());
  };

  const tellEvent = (event: EtcdEvent): MemberEvent[] =>
    event.is === 'put'
      ? putKey(event.kv)
      : replica.gone(event.key.slice(keys.members.length), event.revision, clock.nowMs());

  /** Whether another replica is there, without a break, since before we lost touch. */
  const hasWitness = async (): Promise<boolean> => {
    const request = rangeRequest(keys.replicas, {limit: BATCH, createdUpTo: lastRevision});
    const {kvs} = parseRange(await gateway.ask('/kv/range', request));
    return kvs.some(({key}) => !key.startsWith(ports.ownReplicaKeys));
  };

  const follower = ports.follow({
    gateway,
    prefix: keys.members,
    clock,
    log,
    onLoad({kvs, revision, forgot}) {
      const documents = new Map(kvs.flatMap(kv => [storedIn(kv) ?? []].filter(entry => entry.length === 2)));
      tell(replica.loaded({documents, revision, forgot}, moment()));
      replica.passed(revision);
      lastRevision = revision;
      remembers ||= documents.size > 0;
      loaded.resolve();
      log.info({members: documents.size, revision}, 'members loaded from etcd');
    },
    onEvents(events, revision) {
      tell(events.flatMap(tellEvent));
      replica.passed(revision);
      lastRevision = Math.max(lastRevision, revision);
      wake(COALESCE_MS.writes);
    },
    async onReturn(revision) {
      if (await hasWitness()) replica.returned(revision);
    },
    onLinked() {
      lastLinkedMs = clock.nowMs();
      wake(0);
    },
  });

  const wake = (delayMs: number): void => {
    const atMs = clock.nowMs() + delayMs;
    if (closing.signal.aborted || atMs >= wakeAtMs) return;
    disarm();
    wakeAtMs = atMs;
    disarm = clock.after(delayMs, () => {
      wakeAtMs = Number.POSITIVE_INFINITY;
      flush();
    });
  };

  const flush = (): void => {
    if (!follower.linked) return;
    while (lanes.size < LANES) {
      const writes = replica.takeWrites(BATCH);
      if (writes.length === 0) break;
      enter(carryWrites(writes));
    }
    const leases = lanes.size < LANES ? replica.takeRenewals() : [];
    if (leases.length > 0) enter(carryRenewals(leases));
  };

  const enter = (work: Promise<void>): void => {
    const lane = work.finally(() => {
      lanes.delete(lane);
      if (!replica.isIdle) wake(COALESCE_MS.writes);
    });
    lanes.add(lane);
  };

  const carryWrites = async (writes: readonly Write[]): Promise<void> => {
    const outcomes = await unlessAway(writer.write(writes), 'members not written to etcd');
    const events = outcomes?.flatMap((outcome, index) => {
      const {ip} = writes[index] ?? {ip: ''};
      if (outcome.is === 'written') return replica.put(ip, outcome, moment());
      if (outcome.current !== undefined) return putKey(outcome.current);
      return replica.gone(ip, outcome.revision, clock.nowMs());
    });
    for (const {ip} of writes) replica.settled(ip);
    tell(events ?? []);
  };

  const carryRenewals = async (leases: readonly string[]): Promise<void> => {
    replica.renewAgain((await unlessAway(writer.renew(leases), 'leases not renewed')) ?? leases);
  };

  /** What etcd answered; undefined, after a moment, when it did not. A fault of our own is rejected with. */
  const unlessAway = async <T>(answer: Promise<T>, message: string): Promise<T | undefined> => {
    try {
      const answered = await answer;
      lastLinkedMs = clock.nowMs();
      return answered;
    } catch (error) {
      if (!(error instanceof EtcdFault)) throw error;
      log.debug({reason: error.message}, message);
    }
    await pause(clock, RETRY_MS, closing.signal);
    return undefined;
  };

  const beat = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await pause(clock, HEARTBEAT_MS, closing.signal);
      const answer = await gateway.ask('/kv/range', keyRequest(keys.seq)).catch(onlyAway);
      if (answer === undefined || !follower.linked) continue;
      lastLinkedMs = clock.nowMs();
      lastRevision = Math.max(lastRevision, parseRange(answer).header.revision);
    }
  };

  const tick = (): void => {
    if (follower.linked && clock.nowMs() - lastLinkedMs < AWAY_MS) {
      tell(replica.tick(moment()));
      if (!replica.isIdle) wake(COALESCE_MS.writes);
    }
    stopTicking = clock.after(TICK_MS, tick);
  };
  let stopTicking = clock.after(TICK_MS, tick);
  void beat();

  return {
    isLinked: () => follower.linked,
    linkedMs: () => lastLinkedMs,
    lostReplica: () => replica.lostReplica(clock.nowMs()),
    loaded: loaded.promise,
    remembers: () => remembers,
    heard(ping, outcome) {
      replica.heard(ping, outcome, clock.nowMs());
      if (!replica.isIdle) wake(outcome.is === 'refreshed' ? COALESCE_MS.renewals : COALESCE_MS.writes);
    },
    async close() {
      flush();
      await Promise.race([Promise.all(lanes), sleep(clock, CLOSE_MS)]);
      closing.abort(new Error('closed'));
      stopTicking();
      disarm();
      follower.close();
    },
  };
}
