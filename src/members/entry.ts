import type {Member, Ping} from './member.ts';
import type {Moment} from './outcome.ts';
import {payloadBytesOf, samePayload} from './payload.ts';

/** More pods than this in turns on one IP are told apart no longer. */
export const MAX_RIVALS = 8;

type Identity = Pick<Ping, 'id' | 'nonce'>;

/** A pod that lost its IP to another one, and when it was last heard (monotonic). */
export interface Rival extends Identity {
  readonly heardMs: number;
}

/** One IP in the table, as the table alone may change it. */
export interface TableEntry {
  pod: Ping;
  payloadBytes: number;
  arrival: number;
  seq: number | undefined;
  firstSeenAt: number;
  lastSeenAt: number;
  /** When the pod itself, not a rival, was last heard (monotonic). */
  heardMs: number;
  /** When the IP expires (monotonic). */
  deadlineMs: number;
  /** Heard by this run of the daemon, not only remembered. */
  heard: boolean;
  /** A shared store says when the stay ends: no deadline counts here. */
  kept: boolean;
  /** The guard keeps it although its time is up (monotonic); undefined for all others. */
  heldUntilMs: number | undefined;
  rivals: readonly Rival[];
}

/** An entry for a pod's first ping; the table sets the deadline when it takes it in. */
export const createEntry = (pod: Ping, arrival: number, now: Moment): TableEntry => ({
  pod,
  payloadBytes: payloadBytesOf(pod),
  arrival,
  seq: undefined,
  firstSeenAt: now.epochMs,
  lastSeenAt: now.epochMs,
  heardMs: now.nowMs,
  deadlineMs: 0,
  heard: true,
  kept: false,
  heldUntilMs: undefined,
  rivals: [],
});

/** The entry as others see it. */
export const memberOf = ({pod, seq, firstSeenAt, lastSeenAt}: TableEntry): Member => ({
  app: pod.app,
  id: pod.id,
  ip: pod.ip,
  key: pod.key,
  role: pod.role,
  nonce: pod.nonce,
  payload: pod.payload,
  ...(pod.payloadText !== undefined && {payloadText: pod.payloadText}),
  seq,
  firstSeenAt,
  lastSeenAt,
});

/** A pod that another replica heard is on the IP from here on: who had it before becomes its rival. */
export function succeed(entry: TableEntry, previous: Identity | undefined, arrival: number, nowMs: number): void {
  const lost: Rival[] = previous === undefined ? [] : [{id: previous.id, nonce: previous.nonce, heardMs: nowMs}];
  entry.rivals = [...entry.rivals, ...lost].slice(-MAX_RIVALS);
  entry.arrival = arrival;
  entry.heard = false;
  entry.heardMs = Number.NEGATIVE_INFINITY;
}

/** Whether two pings come from one start of one pod. */
export const isSamePod = (a: Identity, b: Identity): boolean => a.id === b.id && a.nonce === b.nonce;

/** Whether a ping tells nothing new about its pod. */
export const isUnchanged = (a: Ping, b: Ping): boolean =>
  a.app === b.app && a.role === b.role && a.key === b.key && samePayload(a, b);

/**
 * The order of all lists: settled members by `seq`, then provisional ones as they arrived. Masters that counted apart
 * before they shared a store may have given one number twice: then the address decides, the same everywhere.
 */
export const bySeq = (a: TableEntry, b: TableEntry): number =>
  (a.seq ?? Number.MAX_VALUE) - (b.seq ?? Number.MAX_VALUE) ||
  (a.seq === undefined ? a.arrival - b.arrival : a.pod.ip < b.pod.ip ? -1 : 1);
