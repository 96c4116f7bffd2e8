import {createHash, timingSafeEqual} from 'node:crypto';

/** Whether a request may change something. `reason` says what to do, and nothing about the token. */
export type Admission =
  | {readonly is: 'admitted'}
  | {readonly is: 'off' | 'denied' | 'unreadable'; readonly status: 401 | 403 | 503; readonly reason: string};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const BEARER = /^Bearer +(\S+)$/i;

/** Compares in a time that says nothing about where two tokens differ, nor how long the right one is. */
const isSame = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token));

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
  } catch {
    token = '';
  }
  if (token === '') return {is: 'unreadable', status: 503, reason: 'the token file is empty or cannot be read'};
  const given = BEARER.exec(authorization ?? '')?.[1];
  if (given !== undefined && isSame(given, token)) return {is: 'admitted'};
  return {is: 'denied', status: 401, reason: 'send the token: "Authorization: Bearer <token>"'};
}
