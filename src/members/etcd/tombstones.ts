import {isSamePod} from '../entry.ts';
import type {Member} from '../member.ts';
import type {Document} from './document.ts';

/**
 * Tombstones of our own: of pods that said goodbye to us, which we have tried to write. Known by IP until etcd tells
 * anything newer of the key, since the answer to a write may be lost. Such a pod may ping us again before etcd says that it left.
 */
export interface Tombstones {
  tried(document: Document): void;
  /** Whether a tombstone is of a stay that ended with us: whoever pinged us after that knew of it. */
  include(document: Document): boolean;
  delete(ip: string): void;
  clear(): void;
}

export function createTombstones(): Tombstones {
  const members = new Map<string, Member>();
  return {
    tried: ({is, member}) => void (is === 'down' && members.set(member.ip, member)),
    include({is, member}) {
      const own = members.get(member.ip);
      return is === 'down' && own !== undefined && isSamePod(own, member) && member.firstSeenAt <= own.firstSeenAt;
    },
    delete: ip => void members.delete(ip),
    clear: () => members.clear(),
  };
}
