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
  /** A replica, perhaps this one, fell silent without a goodbye. */
  readonly onLost: (id: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** The replicas of one app. */
export interface Fleet {
  /** From here on this one sees the others and shows itself to them, as `describe` says. Once. */
  join(describe: () => ReplicaState): void;
  /** All that are alive as far as etcd tells, by id; none before it has joined. */
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
  /** Undefined before it has joined. */
  place: {readonly follower: Follower; readonly running: Promise<void>} | undefined;
}

export function openFleet(ports: FleetPorts): Fleet {
  const state: State = {
    ports,
    startedAt: ports.clock.epochMs(),
    closing: new AbortController(),
    records: new Map(),
    lease: undefined,
    written: '',
    place: undefined,
  };
  return {
    join(describe) {
      state.place = {follower: followOthers(state), running: takePart(state, describe)};
    },
    get replicas() {
      return latestRuns(state.records.values());
    },
    async close() {
      state.closing.abort(new Error('closed'));
      await state.place?.running;
      state.place?.follower.close();
    },
  };
}

function followOthers(state: State): Follower {
  const {gateway, prefix, clock, log, follow} = state.ports;
  return follow({
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

/** Shows what it is until it is closed; then it says goodbye. */
async function takePart(state: State, describe: () => ReplicaState): Promise<void> {
  const {closing, startedAt, ports} = state;
  const {id, run, clock, log} = ports;
  const encode = (leaving: boolean) => encodeRecord({...describe(), id, run, startedAt, leaving});
  while (!closing.signal.aborted) {
    await beat(state, encode(false)).catch(error => tellFault(error, 'replica not registered', log));
    await pause(clock, BEAT_MS, closing.signal);
  }
  if (state.lease === undefined) return;
  await leave(state, state.lease, encode(true)).catch(error => tellFault(error, 'goodbye not told', log));
}

async function beat(state: State, value: string): Promise<void> {
  const {gateway, leases} = state.ports;
  if (state.lease !== undefined && !(await leases.renew(gateway, state.lease))) state.lease = undefined;
  if (state.lease === undefined || value !== state.written) await write(state, value);
}

async function leave(state: State, lease: string, value: string): Promise<void> {
  const {gateway, leases} = state.ports;
  await write(state, value);
  await leases.revoke(gateway, lease);
}

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
