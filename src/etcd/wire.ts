/*
 * etcd's v3 API as its own JSON gateway speaks it (etcd manual, "gRPC gateway"): keys and values are base64, 64-bit
 * numbers are strings, a field that has its zero value is absent, a lease without end is 0.
 */

/** A key as etcd holds it. `revision` is the one of its last change. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  /** Empty for a key without one. */
  readonly lease: string;
}

export type EtcdEvent =
  | {readonly is: 'put'; readonly kv: KeyValue}
  | {readonly is: 'delete'; readonly key: string; readonly revision: number; readonly last: KeyValue | undefined};

/** Which etcd answered, and at which revision of it. */
export interface Header {
  readonly cluster: string;
  readonly revision: number;
}

export interface RangeAnswer {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

/** A write that holds only if the key is still at revision `upon` (0: absent); else the key is read. */
export interface GuardedPut {
  readonly key: string;
  readonly value: string;
  readonly upon: number;
  readonly lease?: string;
}

export type GuardedPutAnswer =
  | {readonly is: 'written'; readonly revision: number}
  | {readonly is: 'lost'; readonly revision: number; readonly current: KeyValue | undefined};

export type WatchAnswer =
  | {readonly is: 'created'}
  | {readonly is: 'cancelled'; readonly compacted: boolean; readonly reason: string}
  | {readonly is: 'events'; readonly events: readonly EtcdEvent[]};

type Fields = Readonly<Record<string, unknown>>;

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (value: unknown): string => (typeof value === 'string' ? Buffer.from(value, 'base64').toString() : '');
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const numberOf = (value: unknown): number => Number(value ?? 0);
const textOf = (value: unknown): string => (value === undefined || value === '0' ? '' : String(value));

const headerOf = (answer: Fields): Header => {
  const {cluster_id: cluster, revision} = fieldsOf(answer.header);
  return {cluster: textOf(cluster), revision: numberOf(revision)};
};

const keyValueOf = (value: unknown): KeyValue => {
  const {key, value: content, mod_revision: revision, lease} = fieldsOf(value);
  return {key: decode(key), value: decode(content), revision: numberOf(revision), lease: textOf(lease)};
};

/** The first key after all that start with `prefix`, whose last character is ASCII. */
const endOf = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);

interface RangeOptions {
  /** Not included. */
  readonly after?: string;
  readonly limit: number;
  readonly revision?: number;
  /** Only keys that are there without a break since this revision or an earlier one. */
  readonly createdUpTo?: number;
}

/** All keys under `prefix`, from `after` on, as of `revision` when one is given. */
export const rangeRequest = (prefix: string, {after, limit, revision, createdUpTo}: RangeOptions) => ({
  key: encode(after === undefined ? prefix : `${after}\0`),
  range_end: encode(endOf(prefix)),
  limit: String(limit),
  ...(revision !== undefined && {revision: String(revision)}),
  ...(createdUpTo !== undefined && {max_create_revision: String(createdUpTo)}),
});

export const keyRequest = (key: string) => ({key: encode(key)});

export function parseRangeAnswer(value: unknown): RangeAnswer {
  const answer = fieldsOf(value);
  return {header: headerOf(answer), kvs: listOf(answer.kvs).map(keyValueOf), more: answer.more === true};
}

const putRequest = ({key, value, lease}: Omit<GuardedPut, 'upon'>) => ({
  request_put: {key: encode(key), value: encode(value), ...(lease !== undefined && {lease})},
});

/** A write whatever the key holds. */
export const plainPutRequest = ({key, value, lease}: {key: string; value: string; lease: string}) => ({
  key: encode(key),
  value: encode(value),
  lease,
});

const guardedPut = (put: GuardedPut) => ({
  compare: [{key: encode(put.key), target: 'MOD', result: 'EQUAL', mod_revision: String(put.upon)}],
  success: [putRequest(put)],
  failure: [{request_range: {key: encode(put.key)}}],
});

/** Several writes in one request, each of which holds or is lost on its own: transactions nested in one. */
export const batchRequest = (puts: readonly GuardedPut[]) => ({
  success: puts.map(put => ({request_txn: guardedPut(put)})),
});

/** The answers to a batch, in its order. */
export function parseBatch(value: unknown): GuardedPutAnswer[] {
  const answer = fieldsOf(value);
  const {revision} = headerOf(answer);
  return listOf(answer.responses).map(response => {
    const {succeeded, responses} = fieldsOf(fieldsOf(response).response_txn);
    if (succeeded === true) return {is: 'written', revision};
    const {kvs} = fieldsOf(fieldsOf(listOf(responses)[0]).response_range);
    const [current] = listOf(kvs).map(keyValueOf);
    return {is: 'lost', revision, current};
  });
}

export const grantRequest = (ttlMs: number) => ({TTL: String(Math.max(1, Math.ceil(ttlMs / 1000)))});

export const parseLease = (value: unknown): string => textOf(fieldsOf(value).ID);

export const leaseRequest = (lease: string) => ({ID: lease});

/** One answer of a stream of renewals: a lease that has ended has no time left. */
export function parseRenewal(value: unknown): {lease: string; isAlive: boolean} {
  const {ID, TTL} = fieldsOf(value);
  return {lease: textOf(ID), isAlive: numberOf(TTL) > 0};
}

/** Changes under `prefix` from `revision` on, with what each ended key held. */
export const watchRequest = (prefix: string, revision: number) => ({
  create_request: {
    key: encode(prefix),
    range_end: encode(endOf(prefix)),
    start_revision: String(revision),
    prev_kv: true,
  },
});

export function parseWatch(value: unknown): WatchAnswer {
  const {created, canceled, cancel_reason: reason, compact_revision: compacted, events} = fieldsOf(value);
  if (canceled === true) return {is: 'cancelled', compacted: numberOf(compacted) > 0, reason: textOf(reason)};
  if (created === true) return {is: 'created'};
  return {
    is: 'events',
    events: listOf(events).map((event): EtcdEvent => {
      const {type, kv, prev_kv: last} = fieldsOf(event);
      const {key, revision, ...rest} = keyValueOf(kv);
      if (type !== 'DELETE') return {is: 'put', kv: {key, revision, ...rest}};
      return {is: 'delete', key, revision, last: last === undefined ? undefined : keyValueOf(last)};
    }),
  };
}
