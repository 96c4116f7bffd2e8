import {isSamePod, isUnchanged} from '../entry.ts';
import type {Member} from '../member.ts';
import type {Document} from './document.ts';

/**
 * What this replica has to say about an IP and etcd does not say yet. `alive`: we hear the pod. `hold`: nobody does, but
 * it gets `forMs` more. `down`: it said goodbye to us at `atMs` (monotonic).
 */
export type Intent =
  | {readonly is: 'alive'}
  | {readonly is: 'hold'; readonly forMs: number}
  | {readonly is: 'down'; readonly member: Member; readonly atMs: number};

const asPing = (member: Member) => ({...member, down: false});

/** Whether two members are one start of one pod with the same things to say. */
const isSameMember = (a: Member, b: Member): boolean => isSamePod(a, b) && isUnchanged(asPing(a), asPing(b));

/**
 * What is left of an intent once etcd says `document`; `member` is ours. It is fulfilled when etcd says the same. Of a
 * goodbye and a ping that knew nothing of each other the goodbye wins: whoever pings after it is in again. Another pod
 * on the IP was heard by somebody, as ours was by us: ours is said on top, once, and the contest settles it.
 * `wasOurs`: the goodbye was said to us, so that the ping which we heard since knew of it.
 */
export function remainder(
  intent: Intent,
  member: Member | undefined,
  document: Document,
  wasOurs: boolean,
): Intent | undefined {
  if (intent.is === 'down')
    return document.is !== 'down' && isSamePod(intent.member, document.member) ? intent : undefined;
  if (member === undefined) return undefined;
  if (document.is === 'down' && intent.is === 'alive' && wasOurs) return intent;
  if (document.is === 'down') return isSamePod(member, document.member) ? undefined : intent;
  if (intent.is === 'hold') return undefined;
  return document.is === 'alive' && isSameMember(member, document.member) ? undefined : intent;
}
