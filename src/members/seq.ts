/**
 * The highest `seq` that anybody ever had, as far as this daemon knows: none up to it may be given again. It only grows,
 * is written down with the snapshot, and goes on from there after a restart.
 */
export interface SeqMark {
  readonly highest: number;
  /** Somebody has this number. */
  saw(seq: number): void;
  /** The next number of a master that counts alone. Replicas agree on theirs (`etcd/shared-seq.ts`). */
  next(): number;
}

export function createSeqMark(highest: number): SeqMark {
  return {
    get highest() {
      return highest;
    },
    saw(seq) {
      highest = Math.max(highest, seq);
    },
    next() {
      highest += 1;
      return highest;
    },
  };
}
