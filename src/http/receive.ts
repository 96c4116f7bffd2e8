import type {Ping} from '../members/member.ts';
import type {Outcome} from '../members/outcome.ts';
import type {ParsedPing} from '../members/ping.ts';
import type {Presented, Verification} from '../members/verify.ts';
import type {Reception} from './master.ts';

export interface ReceiverPorts {
  parse(body: Uint8Array, source: {readonly remoteAddress: string}): ParsedPing;
  /** Whether who sends it may; everybody may when absent. */
  verify?(ping: Ping, by: Presented): Verification;
  record(ping: Ping): Outcome;
  /** Once per ping: what became of it, `bad`, or why its sender may not. */
  count(result: Outcome['is'] | 'bad' | 'unavailable' | `forbidden-${'token' | 'source' | 'pods'}`): void;
}

const BOUNDS = {
  members: 'members: raise KONTROL_MAX_MEMBERS',
  payloads: 'bytes of payloads in all: make payloads smaller',
} as const;

/** From the bytes of a ping to what its sender is told; the membership remembers the rest. */
export const createReceiver =
  ({parse, verify, record, count}: ReceiverPorts) =>
  (body: Uint8Array, remoteAddress: string, authorization?: string): Reception => {
    const parsed = parse(body, {remoteAddress});
    if (parsed.is === 'fault') {
      count('bad');
      return {is: 'bad', field: parsed.field, reason: parsed.reason};
    }
    const verification = verify?.(parsed.ping, {remoteAddress, authorization}) ?? {is: 'allowed'};
    if (verification.is !== 'allowed') {
      count(verification.is === 'unavailable' ? 'unavailable' : `forbidden-${verification.check}`);
      return {is: verification.is, reason: verification.reason};
    }
    const outcome = record(parsed.ping);
    count(outcome.is);
    if (outcome.is !== 'refused') return {is: 'accepted'};
    return {is: 'refused', reason: `cannot take ping: there are ${outcome.bound} ${BOUNDS[outcome.why]}`};
  };
