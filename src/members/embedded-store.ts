import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {watchExpiry} from './expiry.ts';
import type {Store} from './store.ts';

/** The store of a single master: it numbers stays as they begin, and its own clock ends them. */
export function createEmbeddedStore(ports: {readonly clock: Clock; readonly log: Log}): Store {
  return {
    kind: 'embedded',
    healthy: () => true,
    awayMs: () => 0,
    refusal: () => undefined,
    loaded: async () => {},
    remembers: () => false,
    keep({table, seq, onEvents}) {
      // A snapshot of replicas may hold some whose number was still to come.
      for (const {member, arrival} of table.provisional()) table.settle(member.ip, arrival, seq.next());
      let stopExpiry = () => {};
      return {
        listening() {
          table.grantFreshTtl(ports.clock.nowMs());
          stopExpiry = watchExpiry({
            ...ports,
            table,
            onExpired: members => onEvents(members.map(member => ({is: 'left', member, why: 'silent'}))),
          });
        },
        heard({ip}, outcome) {
          const isNewStay = outcome.is === 'joined' || (outcome.is === 'replaced' && !outcome.alternating);
          if (isNewStay) table.settle(ip, outcome.arrival, seq.next());
        },
        close: async () => stopExpiry(),
      };
    },
  };
}
