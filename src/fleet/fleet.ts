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
const REPLICA_TTL_MS = 3000;

/** Etcd ends a lease up to this much late. */
const LEASE_SLACK_MS = 1500;

/** The least time that a replica which did hear a pod gets to say so. */
const MIN_CONFIRM_MS = 1000;

/** A keepalive comes after three quarters of a TTL: the one that a lost replica swallowed leaves this share of it. */
const SHARE_LEFT = 0.25;

/** How long another replica may take to say that it heard a pod which etcd says is silent. */
export const deriveConfirmMs = (ttlMs: number): number =>
  Math.max(MIN_CONFIRM_MS, REPLICA_TTL_MS + LEASE_SLACK_MS - SHARE_LEFT * ttlMs);

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

interface State {
  readonly ports: FleetPorts;
  readonly startedAt: number;
  readonly closing: AbortController;
  /** By key. */
  records: Map<string, ReplicaRecord>;
  lease: string | undefined;
  written: string;
}

export function openFleet(ports: FleetPorts): Fleet {
  const {gateway, leases, prefix, clock, log} = ports;
  const state: State = {
    ports,
    startedAt: clock.epochMs(),
    closing: new AbortController(),
    records: new Map(),
    lease: undefined,
    written: '',
  };
  const follower = ports.follow({
    gateway,
    prefix,
    clock,
    log,
    onLoad: ({kvs}) => replaceAll(state, kvs),
    onEvents(events) {
      for (const event of events) take(state, event);
    },
    onLinked: () => {},
  });
  const running = keepUp(state);
  return {
    get replicas() {
      return latestRuns(state.records.values());
    },
    async close() {
      state.closing.abort(new Error('closed'));
      await running;
      follower.close();
      const {lease} = state;
      if (lease === undefined) return;
      await write(state, describe(state, true))
        .then(() => leases.revoke(gateway, lease))
        .catch(error => tellFault(error, 'goodbye not told', log));
    },
  };
}

const entriesOf = ({key, value}: KeyValue): [string, ReplicaRecord][] => {
  const record = decodeRecord(value);
  return record === undefined ? [] : [[key, record]];
};

function replaceAll(state: State, kvs: readonly KeyValue[]): void {
  const before = state.records;
  state.records = new Map(kvs.flatMap(entriesOf));
  for (const [key, record] of before) if (!state.records.has(key)) missed(state, record);
}

function take(state: State, event: EtcdEvent): void {
  if (event.is === 'put') {
    for (const [key, record] of entriesOf(event.kv)) state.records.set(key, record);
    return;
  }
  missed(state, state.records.get(event.key));
  state.records.delete(event.key);
}

function missed({ports}: State, lost: ReplicaRecord | undefined): void {
  if (lost === undefined || lost.leaving) return;
  ports.log.warn({member: lost.id}, 'replica lost');
  ports.onLost(lost.id);
}

async function keepUp(state: State): Promise<void> {
  const {closing, ports} = state;
  while (!closing.signal.aborted) {
    await beat(state).catch(error => tellFault(error, 'replica not registered', ports.log));
    await pause(ports.clock, BEAT_MS, closing.signal);
  }
}

async function beat(state: State): Promise<void> {
  const {gateway, leases} = state.ports;
  if (state.lease !== undefined && !(await leases.renew(gateway, state.lease))) state.lease = undefined;
  const value = describe(state, false);
  if (state.lease === undefined || value !== state.written) await write(state, value);
}

const describe = ({ports: {describe, id, run}, startedAt}: State, leaving: boolean): string =>
  encodeRecord({...describe(), id, run, startedAt, leaving});

async function write(state: State, value: string): Promise<void> {
  const {gateway, leases, key} = state.ports;
  state.lease ??= await leases.grant(gateway, REPLICA_TTL_MS);
  await gateway.ask('/kv/put', plainPutRequest({key, value, lease: state.lease}));
  state.written = value;
}

function tellFault(error: unknown, message: string, log: Log): void {
  if (!(error instanceof EtcdFault)) throw error;
  log.debug({reason: error.message}, message);
}
