import type {Store} from './store.ts';

/** The store of a single master: a counter in memory that goes on from the snapshot's high-water mark. */
export function createEmbeddedStore(highWaterMark: number): Store {
  let seq = highWaterMark;
  return {
    kind: 'embedded',
    healthy: () => true,
    async claimSeq() {
      seq += 1;
      return seq;
    },
  };
}
