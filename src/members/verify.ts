import {carriesToken} from '../ports/bearer.ts';
import {canonicalIp} from './address.ts';
import type {Ping} from './member.ts';

/** What the cluster knows of a pod that pings; `unknown` while it has not said yet. */
export type Credence =
  | {readonly is: 'real'}
  | {readonly is: 'unreal'; readonly reason: string}
  | {readonly is: 'unknown'; readonly reason: string};

/** Whether a ping may be taken in. `forbidden` answers 403, `unavailable` 503: ask again soon. */
export type Verification =
  | {readonly is: 'allowed'}
  | {readonly is: 'forbidden'; readonly check: 'token' | 'source' | 'pods'; readonly reason: string}
  | {readonly is: 'unavailable'; readonly reason: string};

export interface Presented {
  readonly remoteAddress: string;
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
}

export interface VerifyPorts {
  /** The connection's address must be the reported `ip`. */
  readonly source: boolean;
  /** Looks a pod up; absent where nobody is asked. */
  readonly believe: ((ping: Ping) => Credence) | undefined;
  /** The tokens that are good now; undefined where none is needed. */
  readonly tokens: (() => readonly string[]) | undefined;
}

function refuseToken(authorization: string | undefined, tokens: readonly string[]): string | undefined {
  if (authorization === undefined) return 'it carries no token: send "Authorization: Bearer <token>"';
  return carriesToken(authorization, tokens) ? undefined : 'its token is not the one of KONTROL_PING_TOKEN_FILE';
}

/** Makes the check of every ping (KONTROL_VERIFY, KONTROL_PING_TOKEN_FILE): from memory, like all of a ping's way. */
export function createVerifier({source, believe, tokens}: VerifyPorts): (ping: Ping, by: Presented) => Verification {
  const forbid = (check: 'token' | 'source' | 'pods', reason: string): Verification => ({
    is: 'forbidden',
    check,
    reason: `cannot take ping: ${reason}`,
  });
  return (ping, {remoteAddress, authorization}) => {
    const tokenFault = tokens === undefined ? undefined : refuseToken(authorization, tokens());
    if (tokenFault !== undefined) return forbid('token', tokenFault);
    if (source && canonicalIp(remoteAddress) !== ping.ip) {
      return forbid('source', `it reports ip ${ping.ip} and comes from ${canonicalIp(remoteAddress) ?? remoteAddress}`);
    }
    const credence = believe?.(ping) ?? {is: 'real'};
    if (credence.is === 'unreal') return forbid('pods', credence.reason);
    if (credence.is === 'unknown') return {is: 'unavailable', reason: `cannot take ping: ${credence.reason}`};
    return {is: 'allowed'};
  };
}
