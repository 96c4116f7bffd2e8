import {EtcdFault} from '../../etcd/fault.ts';
import type {Gateway} from '../../etcd/gateway.ts';
import {batchRequest, type KeyValue, parseBatch} from '../../etcd/wire.ts';
import {createQueue} from '../../ports/queue.ts';

/** The counter that all replicas share: it only grows, and no number is given twice. */
export interface SeqCounter {
  /** Claims `count` numbers in a row; the first of them. Rejects with an `EtcdFault`. */
  claim(count: number): Promise<number>;
  /** A number that somebody has: none up to it may be given again. */
  saw(seq: number): void;
  /** The highest number seen or given. */
  readonly highest: number;
}

/** Other replicas may be faster, but each time one of us has got on. */
const MAX_TRIES = 100;

const numberIn = (current: KeyValue | undefined): number => {
  const number = Number(current?.value);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
};

/**
 * Counts by compare-and-swap on one key, upon what was seen last; `highest` is what the snapshot remembers. Claims of one
 * replica go one after the other: they would only make each other lose.
 */
export function createSeqCounter(gateway: Pick<Gateway, 'ask'>, key: string, highest: number): SeqCounter {
  let upon = 0;
  let counted = 0;
  const claims = createQueue();

  const claim = async (count: number): Promise<number> => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const first = Math.max(counted, highest) + 1;
      const last = first + count - 1;
      const request = batchRequest([{key, value: String(last), upon}]);
      const [answer] = parseBatch(await gateway.ask('/kv/txn', request));
      if (answer?.is === 'written') {
        upon = answer.revision;
        counted = last;
        highest = last;
        return first;
      }
      upon = answer?.current?.revision ?? 0;
      counted = numberIn(answer?.current);
    }
    throw new EtcdFault('refused', `cannot claim a seq: lost ${MAX_TRIES} races in a row`);
  };

  return {
    claim: count => claims.add(() => claim(count)),
    saw(seq) {
      highest = Math.max(highest, seq);
    },
    get highest() {
      return highest;
    },
  };
}
