import {EtcdFault} from '../etcd/fault.ts';
import type {Follower, FollowPorts} from '../etcd/follow.ts';
import type {Gateway} from '../etcd/gateway.ts';
import type {EtcdEvent, KeyValue} from '../etcd/wire.ts';
import {plainPutRequest} from '../etcd/wire.ts';
import {type Clock, pause} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {decodeRecord, encodeRecord, latestRuns, type ReplicaRecord, type ReplicaState} from './record.ts';

/**
 * A replica that is silent for this long is lost: well under the quarter of a TTL that a lost ping leaves
 * (docs/contract-2017.md#keepalive).
 */
export const REPLICA_TTL_MS = 3000;

const BEAT_MS = 500;

export interface FleetPorts {
  readonly gateway: Pick<Gateway, 'ask' | 'askEach' | 'listen'>;
  readonly follow: (ports: FollowPorts) => Follower;
  readonly leases: {
    grant(gateway: FleetPorts['gateway'], ttlMs: number): Promise<string>;
    renew(gateway: FleetPorts['gateway'], lease: string): Promise<boolean>;
    revoke(gateway: FleetPorts['gateway'], lease: string): Promise<void>;
  };
  /** The prefix of all replicas' keys. */
  readonly prefix: string;
  readonly id: string;
  /** This run's own. */
  readonly key: string;
  /** New per start. */
  readonly run: string;
  readonly describe: () => ReplicaState;
  /** A replica, perhaps this one, fell silent without a goodbye. */
  readonly onLost: (id: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** The replicas of one app: this one shows itself to the others for as long as it is open. */
export interface Fleet {
  /** All that are alive as far as etcd tells, by id. */
  readonly replicas: readonly ReplicaRecord[];
  /** Says goodbye. Never rejects, and waits no longer than a request may take. */
  close(): Promise<void>;
}

export function openFleet(ports: FleetPorts): Fleet {
  const {gateway, leases, prefix, key, id, run, clock, log} = ports;
  const startedAt = clock.epochMs();
  const closing = new AbortController();
  let records = new Map<string, ReplicaRecord>();
  let lease: string | undefined;
  let written = '';

  const record = (leaving: boolean): string => encodeRecord({...ports.describe(), id, run, startedAt, leaving});

  const missed = (lost: ReplicaRecord | undefined): void => {
    if (lost === undefined || lost.leaving) return;
    log.warn({member: lost.id}, 'replica lost');
    ports.onLost(lost.id);
  };

  const entriesOf = (kv: KeyValue): [string, ReplicaRecord][] => {
    const entry = decodeRecord(kv.value);
    return entry === undefined ? [] : [[kv.key, entry]];
  };

  const tell = (event: EtcdEvent): void => {
    if (event.is === 'put') {
      for (const [name, entry] of entriesOf(event.kv)) records.set(name, entry);
      return;
    }
    missed(records.get(event.key));
    records.delete(event.key);
  };

  const follower = ports.follow({
    gateway,
    prefix,
    clock,
    log,
    onLoad({kvs}) {
      const before = records;
      records = new Map(kvs.flatMap(entriesOf));
      for (const [name, entry] of before) if (!records.has(name)) missed(entry);
    },
    onEvents: events => events.forEach(tell),
    onLinked: () => {},
  });

  const unlessBug = (message: string) => (error: unknown) => {
    if (!(error instanceof EtcdFault)) throw error;
    log.debug({reason: error.message}, message);
  };

  const write = async (value: string): Promise<void> => {
    lease ??= await leases.grant(gateway, REPLICA_TTL_MS);
    await gateway.ask('/kv/put', plainPutRequest({key, value, lease}));
    written = value;
  };

  const beat = async (): Promise<void> => {
    if (lease !== undefined && !(await leases.renew(gateway, lease))) lease = undefined;
    const value = record(false);
    if (lease === undefined || value !== written) await write(value);
  };

  const keepUp = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await beat().catch(unlessBug('replica not registered'));
      await pause(clock, BEAT_MS, closing.signal);
    }
  };
  const running = keepUp();

  return {
    get replicas() {
      return latestRuns(records.values());
    },
    async close() {
      closing.abort(new Error('closed'));
      await running;
      follower.close();
      const held = lease;
      if (held === undefined) return;
      await write(record(true))
        .then(() => leases.revoke(gateway, held))
        .catch(unlessBug('goodbye not told'));
    },
  };
}
