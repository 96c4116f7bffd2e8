import type {Member} from '../member.ts';
import {isFields, parseStored} from '../ping.ts';

/**
 * What is known of the pod on one IP, as all replicas share it. `held` ones are silent, but were given more time for a
 * reason that lies with us; `down` is the tombstone that tells a goodbye from silence.
 */
export type Document =
  /** `sharesLease`: with others of the same burst, so that it may not be renewed. */
  | {readonly is: 'alive'; readonly member: Member; readonly sharesLease: boolean}
  | {readonly is: 'down'; readonly member: Member}
  | {readonly is: 'held'; readonly member: Member; readonly forMs: number};

/** A document in etcd, as of one revision of its key. */
export interface Stored {
  readonly document: Document;
  readonly revision: number;
  /** The lease that ends the key when nobody renews it. */
  readonly lease: string;
}

/** All that etcd holds at a revision. `forgot`: it is not the etcd we knew, or lost what it knew. */
export interface StoreLoad {
  readonly revision: number;
  readonly documents: ReadonlyMap<string, Stored>;
  readonly forgot: boolean;
}

/** A document as JSON text. */
export function encodeDocument(document: Document): string {
  const {lastSeenAt: _, ...member} = document.member;
  const sharesLease = document.is === 'alive' && document.sharesLease;
  return JSON.stringify({
    is: document.is,
    ...(sharesLease && {sharesLease}),
    ...(document.is === 'held' && {forMs: document.forMs}),
    ...member,
  });
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Reads a document back; undefined for what is none: others may write to etcd, and a newer version of us, too. */
export function decodeDocument(text: string): Document | undefined {
  try {
    const fields: unknown = JSON.parse(text);
    if (!isFields(fields) || !isCount(fields.seq) || !isCount(fields.firstSeenAt)) return undefined;
    const {down: _, ...pod} = parseStored(fields);
    const member: Member = {...pod, seq: fields.seq, firstSeenAt: fields.firstSeenAt, lastSeenAt: fields.firstSeenAt};
    if (fields.is === 'alive') return {is: 'alive', member, sharesLease: fields.sharesLease === true};
    if (fields.is === 'down') return {is: 'down', member};
    return fields.is === 'held' && isCount(fields.forMs) ? {is: 'held', member, forMs: fields.forMs} : undefined;
  } catch {
    return undefined;
  }
}
