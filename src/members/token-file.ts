import {DaemonError, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';

const POLL_MS = 2000;
const MIN_CHARACTERS = 16;

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
  const load = async (): Promise<readonly string[]> => {
    const text = await files.readText(path);
    if (text === undefined) throw new Error('there is no such file');
    const tokens = text.split('\n').map(line => line.trim());
    const given = tokens.filter(token => token !== '');
    if (given.length === 0) throw new Error('it holds no token');
    if (given.some(token => token.length < MIN_CHARACTERS || /\s/.test(token))) {
      throw new Error(`a token is a word of ${MIN_CHARACTERS} characters or more`);
    }
    return given;
  };

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
      if (trouble !== reasonOf(error))
        log.warn({reason: reasonOf(error)}, 'ping tokens unreadable: the last good ones hold');
      trouble = reasonOf(error);
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
