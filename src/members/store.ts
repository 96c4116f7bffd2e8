import type {Member} from './member.ts';

/**
 * Where `seq` comes from: a counter that only grows, shared by all masters that serve one set of slaves.
 * The daemon keeps running on what it has while a store is away.
 */
export interface Store {
  readonly kind: 'embedded' | 'etcd';
  /** Whether the last exchange with it worked. */
  healthy(): boolean;
  /** The next number of the counter for a stay of a pod. Rejects, within a time of its own, when the store is away. */
  claimSeq(member: Pick<Member, 'ip' | 'app' | 'id'>): Promise<number>;
}
