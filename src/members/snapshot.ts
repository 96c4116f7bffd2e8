import {createHash} from 'node:crypto';
import {atOnce, STEP, type Steps} from '../steps.ts';
import type {Member} from './member.ts';
import {type Fields, isFields, parseStored} from './ping.ts';

/** What is written down about the members. */
export interface Snapshot {
  /** No member ever had a higher one: the counter goes on from here. */
  readonly seq: number;
  readonly members: readonly Member[];
  /** A store that several replicas share knows them, too; absent where one master kept them alone. */
  readonly isShared?: boolean;
}

/** Written by a master that kept its members alone: a store that is shared does not know them. */
export const isForeign = ({isShared}: Pick<Snapshot, 'isShared'>): boolean => isShared !== true;

/** `stale` is a true snapshot whose members are not to be trusted any more; its `seq` is. */
export type DecodedSnapshot =
  | {readonly is: 'fresh'; readonly snapshot: Snapshot}
  | {readonly is: 'stale'; readonly seq: number; readonly ageMs: number}
  | {readonly is: 'foreign'; readonly reason: string};

/** Pod IPs are reused, so that an older list may name strangers. */
const MAX_AGE_MS = 10 * 60_000;

const VERSION = 1;

const HEAD = /^\{"format":"haproxy-kontrol members","version":(\d+),"sha256":"([0-9a-f]{64})","content":/;
const TAIL = '}\n';

const checksum = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Writes a snapshot as JSON text: format and version, a SHA-256 over the rest, the wall time, then the content. */
export const encodeSnapshot = (snapshot: Snapshot, epochMs: number): string => atOnce(writeSnapshot(snapshot, epochMs));

/** The same, in steps. */
export function* writeSnapshot({seq, members, isShared}: Snapshot, epochMs: number): Steps<string> {
  const parts: string[] = [];
  for (let from = 0; from < members.length; from += STEP) {
    parts.push(JSON.stringify(members.slice(from, from + STEP)).slice(1, -1));
    yield;
  }
  const head = JSON.stringify({writtenAt: epochMs, seq, isShared}).slice(0, -1);
  const content = `${head},"members":[${parts.join(',')}]}`;
  const sha256 = checksum(content);
  return `{"format":"haproxy-kontrol members","version":${VERSION},"sha256":"${sha256}","content":${content}${TAIL}`;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function parseCount(fields: Fields, name: string): number {
  const value = fields[name];
  if (!isCount(value)) throw new Error(`${name} is not a whole number`);
  return value;
}

function parseMember(value: unknown): Member {
  if (!isFields(value)) throw new Error('a member is not an object');
  const {down: _, ...pod} = parseStored(value);
  return {
    ...pod,
    seq: value.seq === undefined ? undefined : parseCount(value, 'seq'),
    firstSeenAt: parseCount(value, 'firstSeenAt'),
    lastSeenAt: parseCount(value, 'lastSeenAt'),
  };
}

function parseContent(value: unknown): Snapshot & {writtenAt: number} {
  if (!isFields(value) || !Array.isArray(value.members)) throw new Error('members is not an array');
  const members = value.members.map(parseMember);
  const isShared = value.isShared === true;
  return {
    writtenAt: parseCount(value, 'writtenAt'),
    seq: parseCount(value, 'seq'),
    members,
    ...(isShared && {isShared}),
  };
}

/**
 * Reads a snapshot back; never throws. Cut, altered and unknown texts are `foreign`. One written more than 10 min before
 * `epochMs` is `stale`; so is one written more than 10 min after it, since a clock that moved leaves its age unknown.
 */
export function decodeSnapshot(text: string, epochMs: number): DecodedSnapshot {
  const head = HEAD.exec(text);
  if (head === null) return {is: 'foreign', reason: text === '' ? 'it is empty' : 'it does not start like a snapshot'};
  const [start, version, sha256] = head;
  if (Number(version) !== VERSION) return {is: 'foreign', reason: `version ${version} is not ${VERSION}`};
  const content = text.slice(start.length, -TAIL.length);
  if (!text.endsWith(TAIL) || checksum(content) !== sha256) {
    return {is: 'foreign', reason: 'its checksum does not match: it was cut or altered'};
  }
  try {
    const {writtenAt, ...snapshot} = parseContent(JSON.parse(content));
    const ageMs = epochMs - writtenAt;
    if (Math.abs(ageMs) > MAX_AGE_MS) return {is: 'stale', seq: snapshot.seq, ageMs};
    return {is: 'fresh', snapshot};
  } catch (error) {
    return {is: 'foreign', reason: error instanceof Error ? error.message : String(error)};
  }
}
