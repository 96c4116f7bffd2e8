import {isLeaseGone} from '../../etcd/fault.ts';
import type {Gateway} from '../../etcd/gateway.ts';
import {
  batchRequest,
  type GuardedPut,
  type GuardedPutAnswer,
  grantRequest,
  type KeyValue,
  leaseRequest,
  parseBatch,
  parseLease,
  parseRenewal,
} from '../../etcd/wire.ts';
import {type Document, encodeDocument} from './document.ts';
import type {Keys} from './keys.ts';
import type {SharedSeq} from './shared-seq.ts';
import type {Write} from './write.ts';

/** What became of a write: `lost` was built upon what is no longer so, and says what is. */
export type WriteOutcome =
  | {readonly is: 'written'; readonly revision: number; readonly document: Document; readonly lease: string}
  | {readonly is: 'lost'; readonly revision: number; readonly current: KeyValue | undefined};

/** Carries decisions to etcd. Both calls reject with an `EtcdFault` when it cannot be reached: nothing is certain then. */
export interface Writer {
  /** One outcome per write, in their order: one request for the numbers, one per new lease, one for all keys. */
  write(writes: readonly Write[]): Promise<WriteOutcome[]>;
  /** Renews leases: nothing is written. Resolves with those of which etcd said nothing, to be renewed again. */
  renew(leases: readonly string[]): Promise<string[]>;
}

/**
 * Renewals in one request. As soon as etcd's gateway answers the first, Go's HTTP server throws away what of the request
 * was not read yet (net/http, chunkWriter.writeHeader), and what is read at once is 512 bytes (encoding/json, refill).
 */
const MAX_RENEWAL_BYTES = 512;

/** Requests for renewals at once. */
const RENEWAL_LANES = 4;

/** etcd refuses requests of more than 1.5 MiB. */
const MAX_REQUEST_BYTES = 700 * 1024;

/**
 * New leases in one request: each costs etcd as much as a request of a hundred members. The rest of a burst shares one,
 * so that it is in before its TTL is over; with each later ping some of those get their own.
 */
const OWN_LEASES = 32;

const SLOW_TIMEOUT_MS = 5000;

interface Lease {
  readonly id: string;
  readonly isShared: boolean;
}

/** In order, in parts that fit into one request each. */
function splitBySize(puts: readonly GuardedPut[]): GuardedPut[][] {
  const parts: GuardedPut[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const put of puts) {
    const size = Buffer.byteLength(put.value);
    if (bytes + size > MAX_REQUEST_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(put);
    bytes += size;
  }
  return parts;
}

interface Sides {
  readonly gateway: Pick<Gateway, 'ask' | 'askEach'>;
  readonly keys: Keys;
  readonly numbers: SharedSeq;
}

/** Writes below one app's keys; `numbers` is for those that have no `seq` yet. */
export function createWriter(gateway: Sides['gateway'], keys: Keys, numbers: SharedSeq): Writer {
  const sides = {gateway, keys, numbers};
  return {
    async write(writes) {
      try {
        return await write(sides, writes, true);
      } catch (error) {
        // One lease that ended in between fails the whole batch.
        if (!isLeaseGone(error)) throw error;
        return await write(sides, writes, false);
      }
    },
    renew: leases => renew(sides, leases),
  };
}

async function write(sides: Sides, writes: readonly Write[], isReusing: boolean): Promise<WriteOutcome[]> {
  const {gateway, keys} = sides;
  const [numbered, leases] = await Promise.all([withSeq(sides, writes), leasesFor(sides, writes, isReusing)]);
  const documents = numbered.map(
    (document, index): Document =>
      document.is === 'alive' ? {...document, sharesLease: leases[index]?.isShared === true} : document,
  );
  const puts = writes.map(({ip, upon}, index): GuardedPut => {
    const [document, lease] = [documents[index], leases[index]?.id];
    if (document === undefined || lease === undefined) throw new RangeError('a write without its document');
    return {key: keys.memberKey(ip), value: encodeDocument(document), upon, lease};
  });
  const answers: GuardedPutAnswer[] = [];
  for (const some of splitBySize(puts)) {
    answers.push(...parseBatch(await gateway.ask('/kv/txn', batchRequest(some), SLOW_TIMEOUT_MS)));
  }
  return answers.map((answer, index): WriteOutcome => {
    const [document, lease] = [documents[index], leases[index]?.id];
    if (answer.is === 'lost' || document === undefined || lease === undefined)
      return {current: undefined, ...answer, is: 'lost'};
    return {is: 'written', revision: answer.revision, document, lease};
  });
}

async function withSeq({numbers}: Sides, writes: readonly Write[]): Promise<Document[]> {
  const lacking = writes.filter(({document}) => document.member.seq === undefined).length;
  let seq = lacking === 0 ? 0 : await numbers.claim(lacking);
  return writes.map(({document}) => {
    if (document.member.seq !== undefined) return document;
    const member = {...document.member, seq};
    seq += 1;
    return {...document, member};
  });
}

/** One lease for each write: its own again, a new one, or, of too many at once, one together with the rest. */
function leasesFor(sides: Sides, writes: readonly Write[], isReusing: boolean): Promise<Lease[]> {
  const shared = new Map<number, Promise<string>>();
  // Of a crowd that joins nobody waits for leases: it gets them when it pings again, spread over time.
  const isCrowd = writes.filter(({upon}) => upon === 0).length > OWN_LEASES;
  let owned = 0;
  return Promise.all(
    writes.map(async ({lease, ttlMs}): Promise<Lease> => {
      if (isReusing && lease !== undefined) return {id: lease, isShared: false};
      owned += 1;
      if (!isCrowd && owned <= OWN_LEASES) return {id: await grant(sides, ttlMs), isShared: false};
      const together = shared.get(ttlMs) ?? grant(sides, ttlMs);
      shared.set(ttlMs, together);
      return {id: await together, isShared: true};
    }),
  );
}

const grant = async ({gateway}: Sides, ttlMs: number): Promise<string> =>
  parseLease(await gateway.ask('/lease/grant', grantRequest(ttlMs), SLOW_TIMEOUT_MS));

async function renew({gateway}: Sides, leases: readonly string[]): Promise<string[]> {
  const groups = splitByRequest(leases);
  const unanswered: string[] = [];
  const carry = async (): Promise<void> => {
    for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
      const answers = await gateway.askEach('/lease/keepalive', group.map(leaseRequest), SLOW_TIMEOUT_MS);
      const answered = new Set(answers.map(answer => parseRenewal(answer).lease));
      unanswered.push(...group.filter(lease => !answered.has(lease)));
    }
  };
  await Promise.all(Array.from({length: RENEWAL_LANES}, carry));
  return unanswered;
}

/** Leases in groups that fit into one request each. */
function splitByRequest(leases: readonly string[]): string[][] {
  const groups: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const lease of leases) {
    const size = JSON.stringify(leaseRequest(lease)).length;
    if (bytes + size > MAX_RENEWAL_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(lease);
    bytes += size;
  }
  return groups;
}
