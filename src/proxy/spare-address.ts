import type {Row} from './answers.ts';
import type {ServerAddress} from './server-line.ts';

/** None that a pod can have: a network of documentation (RFC 5737). */
const NETWORK = '192.0.2';
const NETWORK_IPS = 254;

/** How many an app may have: each has an address of its own. */
export const MAX_SPARE = NETWORK_IPS;

/** The address of the spare server at this place among those of its app, from 0 on. */
export const spareIp = (place: number): string => `${NETWORK}.${(place % NETWORK_IPS) + 1}`;

/** Whether a row of `show stat` is of a spare server that waits for its pod. */
export const isSpare = ({addr = '', status = ''}: Row): boolean =>
  addr.startsWith(`${NETWORK}.`) && status.startsWith('MAINT');

export const isSpareAddress = (address: ServerAddress): boolean =>
  address.is === 'literal' && address.ip.startsWith(`${NETWORK}.`);
