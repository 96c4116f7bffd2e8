import {carriesToken, faultOfToken} from '../ports/bearer.ts';

/** Whether a request may change something. `reason` says what to do, and nothing about the token. */
export type Admission =
  | {readonly is: 'admitted'}
  | {readonly is: 'off' | 'denied'; readonly status: 401 | 403; readonly reason: string}
  | {readonly is: 'unreadable'; readonly status: 503; readonly reason: string; readonly cause: unknown};

/**
 * Judges an `Authorization: Bearer …` header. `loadToken` is undefined where no token is configured: then nobody may.
 * It is asked each time, so that a rotated Secret needs no restart.
 */
export async function admit(
  authorization: string | undefined,
  loadToken: (() => Promise<string>) | undefined,
): Promise<Admission> {
  if (loadToken === undefined) {
    const reason = 'changes over HTTP are off: set KONTROL_TOKEN_FILE to a file that holds a token';
    return {is: 'off', status: 403, reason};
  }
  const unreadable = (what: string, cause?: unknown): Admission => {
    const reason = `the token file ${what}`;
    return {is: 'unreadable', status: 503, reason, cause: cause ?? new Error(reason)};
  };
  let token: string;
  try {
    token = (await loadToken()).trim();
  } catch (cause) {
    return unreadable('cannot be read', cause);
  }
  const fault = faultOfToken(token);
  if (fault !== undefined) return unreadable(fault);
  if (carriesToken(authorization, [token])) return {is: 'admitted'};
  return {
    is: 'denied',
    status: 401,
    reason: 'send the token that the daemon has in KONTROL_TOKEN_FILE: "Authorization: Bearer <token>"',
  };
}
