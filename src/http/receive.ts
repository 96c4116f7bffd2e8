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
  /** Why slaves should tell another replica as well, or undefined (docs/replicas.md#when-something-is-missing). */
  refusal(): string | undefined;
  /** Once per ping: what became of it, `bad`, or why its sender may not. */
  count(result: Outcome['is'] | 'bad' | 'unavailable' | `forbidden-${'token' | 'source' | 'pods'}`): void;
}

const BOUNDS = {
  members: (bound: number) => `there are ${bound} members: raise KONTROL_MAX_MEMBERS`,
  payloads: (bound: number) =>
    `payloads would exceed ${bound} bytes in all: make them smaller or raise KONTROL_MAX_PAYLOAD_BYTES`,
} as const;

/** From the bytes of a ping to what its sender is told; the membership remembers the rest. */
export const createReceiver =
  ({parse, verify, record, refusal, count}: ReceiverPorts) =>
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
    if (outcome.is !== 'refused') {
      const reason = refusal();
      return reason === undefined ? {is: 'accepted'} : {is: 'unavailable', reason};
    }
    return {is: 'refused', reason: `cannot take ping: ${BOUNDS[outcome.why](outcome.bound)}`};
  };
