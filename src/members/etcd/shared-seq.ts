import {EtcdFault} from '../../etcd/fault.ts';
import type {Gateway} from '../../etcd/gateway.ts';
import {batchRequest, type KeyValue, parseBatch} from '../../etcd/wire.ts';
import {createQueue} from '../../ports/queue.ts';
import type {SeqMark} from '../seq.ts';

/** The numbers of all replicas: no one is given twice. */
export interface SharedSeq {
  /** Claims `count` numbers in a row; the first of them. Rejects with an `EtcdFault`. */
  claim(count: number): Promise<number>;
}

/** Other replicas may be faster, but each time one of us has got on. */
const MAX_TRIES = 100;

const numberIn = (current: KeyValue | undefined): number => {
  const number = Number(current?.value);
  return Number.isSafeInteger(number) ? number : 0;
};

/**
 * Counts by compare-and-swap on one key, upon what was seen last. What `mark` knows counts as well, for an etcd that lost
 * its memory. Claims of one replica go one after the other: they would only make each other lose.
 */
export function createSharedSeq(gateway: Pick<Gateway, 'ask'>, key: string, mark: SeqMark): SharedSeq {
  let upon = 0;
  const claims = createQueue();

  const claim = async (count: number): Promise<number> => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const first = mark.highest + 1;
      const last = first + count - 1;
      const request = batchRequest([{key, value: String(last), upon}]);
      const [answer] = parseBatch(await gateway.ask('/kv/txn', request));
      mark.saw(answer?.is === 'written' ? last : numberIn(answer?.current));
      if (answer?.is === 'written') {
        upon = answer.revision;
        return first;
      }
      upon = answer?.current?.revision ?? 0;
    }
    throw new EtcdFault('refused', `cannot claim a seq: lost ${MAX_TRIES} races in a row`);
  };

  return {claim: count => claims.add(() => claim(count))};
}
