import type {Gateway} from './gateway.ts';
import {grantRequest, leaseRequest, parseLease, parseRenewal} from './wire.ts';

type Ask = Pick<Gateway, 'ask' | 'askEach'>;

/** Asks etcd for a lease of so many milliseconds, in whole seconds; its id. */
export const grantLease = async ({ask}: Ask, ttlMs: number): Promise<string> =>
  parseLease(await ask('/lease/grant', grantRequest(ttlMs)));

/** Renews a lease; false when it has ended. */
export async function renewLease({askEach}: Ask, lease: string): Promise<boolean> {
  const [answer] = await askEach('/lease/keepalive', [leaseRequest(lease)]);
  return parseRenewal(answer).isAlive;
}

/** Ends a lease and the keys that hang on it. */
export const revokeLease = async ({ask}: Ask, lease: string): Promise<void> => {
  await ask('/lease/revoke', leaseRequest(lease));
};
