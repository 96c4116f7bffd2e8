import {createHash, timingSafeEqual} from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** One line of characters that have one byte each (RFC 9110, section 5.5). */
const CARRIABLE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** What is wrong with a text that is to be a token; undefined where a header can carry it, blanks around it aside. */
export function faultOfToken(text: string): string | undefined {
  const token = text.trim();
  if (token === '') return 'is empty';
  return CARRIABLE.test(token) ? undefined : 'has more than one line, or characters that no HTTP header can have';
}

/** The scheme is case-insensitive, and blanks may follow it (RFC 9110, section 11.4). */
const SCHEME = /^bearer +/i;

/**
 * Whether an `Authorization` header is `Bearer` with one of `tokens`; blanks around the token do not count, and no
 * header carries an empty token. Digests are compared, and all of them: the time tells neither where a guess differs,
 * nor how long the right token is, nor which one it was.
 */
export function carriesToken(authorization: string | undefined, tokens: readonly string[]): boolean {
  if (authorization === undefined || !SCHEME.test(authorization)) return false;
  const given = authorization.replace(SCHEME, '').trim();
  return given !== '' && tokens.map(token => timingSafeEqual(digest(given), digest(token))).includes(true);
}
