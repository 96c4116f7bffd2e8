import {DaemonError, isSystemFault, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';

const POLL_MS = 2000;
const MIN_CHARACTERS = 16;

/** A file without a usable token, or one that cannot be read. */
class TokenFault extends Error {}

function parseTokens(text: string | undefined): readonly string[] {
  if (text === undefined) throw new TokenFault('there is no such file');
  const given = text
    .split('\n')
    .map(line => line.trim())
    .filter(token => token !== '');
  if (given.length === 0) throw new TokenFault('it holds no token');
  if (given.some(token => token.length < MIN_CHARACTERS || /\s/.test(token))) {
    throw new TokenFault(`a token is a word of ${MIN_CHARACTERS} characters or more`);
  }
  return given;
}

/**
 * The shared tokens of pings, one a line: the first is sent, all are accepted (docs/permissions.md#who-may-ping says
 * how to rotate).
 */
export interface TokenFile {
  readonly tokens: readonly string[];
  close(): void;
}

/**
 * Opens KONTROL_PING_TOKEN_FILE and follows it as a mounted Secret is swapped. Rejects with CONFIG when it holds no
 * usable token at the start; whatever happens to it later, the last good ones hold.
 */
export async function openTokenFile(
  path: string,
  {files, clock, log}: {files: Pick<Files, 'readText'>; clock: Clock; log: Log},
): Promise<TokenFile> {
  const load = async (): Promise<readonly string[]> =>
    parseTokens(
      await files.readText(path).catch(error => {
        throw isSystemFault(error) ? new TokenFault(reasonOf(error), {cause: error}) : error;
      }),
    );

  let tokens = await load().catch(cause => {
    throw new DaemonError('CONFIG', `cannot read KONTROL_PING_TOKEN_FILE ${path}: ${reasonOf(cause)}`, {cause});
  });
  let trouble: string | undefined;
  let cancel = () => {};
  let closed = false;
  const look = async () => {
    try {
      tokens = await load();
      trouble = undefined;
    } catch (error) {
      if (!(error instanceof TokenFault)) throw error;
      if (trouble !== error.message)
        log.warn({reason: error.message}, 'ping tokens unreadable: the last good ones hold');
      trouble = error.message;
    }
    if (!closed) cancel = clock.after(POLL_MS, () => void look());
  };
  cancel = clock.after(POLL_MS, () => void look());

  return {
    get tokens() {
      return tokens;
    },
    close() {
      closed = true;
      cancel();
    },
  };
}
