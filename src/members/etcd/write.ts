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

/** What etcd holds at a member's key: its document, or the revision of what is none. */
interface Ground {
  readonly stored: Stored | undefined;
  readonly obstacle: number | undefined;
}

/** What puts an intent about `member` on top of what etcd holds. */
export function deriveWrite(intent: Intent, member: Member, {stored, obstacle}: Ground, ttlMs: number): Write {
  const {ip} = member;
  const upon = stored?.revision ?? obstacle ?? 0;
  switch (intent.is) {
    case 'hold': {
      // Held ones are written anew when they are heard: nobody renews their lease, nor that of a tombstone.
      // Our clock has fractions, a document has none.
      const forMs = Math.ceil(intent.forMs);
      return {ip, upon, document: {is: 'held', member, forMs}, lease: undefined, ttlMs: forMs};
    }
    case 'down':
      return {ip, upon, document: {is: 'down', member}, lease: leaseOf(stored), ttlMs};
    case 'alive': {
      const document: Document = {is: 'alive', member, sharesLease: false};
      return {ip, upon, document, lease: leaseOf(stored), ttlMs};
    }
  }
}

/** The lease that can be used again: one of the pod's own, as long as a live pod's. */
const leaseOf = (stored: Stored | undefined): string | undefined =>
  stored?.document.is === 'alive' && !stored.document.sharesLease ? stored.lease : undefined;
