import type {Member} from '../member.ts';
import type {Document, Stored} from './document.ts';
import type {Intent} from './intent.ts';

/** One key to write: it must still be at revision `upon` (0 for absent). A member without `seq` needs one first. */
export interface Write {
  readonly ip: string;
  readonly upon: number;
  readonly document: Document;
  /** The lease that the key has; undefined asks for a new one of `ttlMs`. */
  readonly lease: string | undefined;
  readonly ttlMs: number;
}

/** What puts an intent about `member` on top of what etcd holds. */
export function deriveWrite(intent: Intent, member: Member, stored: Stored | undefined, ttlMs: number): Write {
  const {ip} = member;
  const upon = stored?.revision ?? 0;
  if (intent.is === 'hold') {
    const {forMs} = intent;
    return {ip, upon, document: {is: 'held', member, forMs}, lease: undefined, ttlMs: forMs};
  }
  // The lease of a held member has another length, that of a tombstone must not be renewed.
  const lease = stored?.document.is === 'alive' ? stored.lease : undefined;
  return {ip, upon, document: {is: intent.is, member}, lease, ttlMs};
}
