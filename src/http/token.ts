import {carriesToken} from '../ports/bearer.ts';

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
  let token: string;
  try {
    token = (await loadToken()).trim();
    if (token === '') throw new Error('the token file is empty');
  } catch (cause) {
    return {is: 'unreadable', status: 503, reason: 'the token file is empty or cannot be read', cause};
  }
  if (carriesToken(authorization, [token])) return {is: 'admitted'};
  return {
    is: 'denied',
    status: 401,
    reason: 'send the token that the daemon has in KONTROL_TOKEN_FILE: "Authorization: Bearer <token>"',
  };
}
