import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {watchExpiry} from './expiry.ts';
import {openSeqClaims, type SeqSource} from './seq-claims.ts';
import type {Store} from './store.ts';

/** A counter in memory that goes on from the snapshot's high-water mark. */
export function createSeqSource(highWaterMark: number): SeqSource {
  let seq = highWaterMark;
  return {
    async claimSeq() {
      seq += 1;
      return seq;
    },
  };
}

/** The store of a single master: its own clock ends a stay, `source` numbers them. */
export function createEmbeddedStore(ports: {clock: Clock; log: Log; source: SeqSource}): Store {
  return {
    kind: 'embedded',
    healthy: () => true,
    refusal: () => undefined,
    loaded: async () => {},
    remembers: () => false,
    keep({table, seq, onEvents}) {
      const claims = openSeqClaims({...ports, table, seq, onSettled: member => onEvents([{is: 'settled', member}])});
      const stopExpiry = watchExpiry({
        ...ports,
        table,
        onExpired: members => onEvents(members.map(member => ({is: 'left', member, why: 'silent'}))),
      });
      claims.claimMissing();
      return {
        heard(_, outcome) {
          const isNewStay = outcome.is === 'joined' || (outcome.is === 'replaced' && !outcome.alternating);
          if (isNewStay) void claims.claim(outcome.member, outcome.arrival);
        },
        get highestSeq() {
          return claims.highestSeq;
        },
        async close() {
          stopExpiry();
          claims.close();
        },
      };
    },
  };
}
