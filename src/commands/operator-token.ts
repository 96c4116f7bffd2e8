import {loadOperatorToken} from '../config/load.ts';
import {DaemonError, reasonOf} from '../errors.ts';
import {faultOfToken} from '../ports/bearer.ts';
import {readInputFile} from './read-input.ts';

const TOKEN_ADVICE = 'set --token-file, KONTROL_TOKEN_FILE or HAPROXY_KONTROL_TOKEN';

/** The operators' token: of this file, or where the environment says. Rejects with USAGE when there is none. */
export async function readToken(file: string | undefined): Promise<string> {
  const refuse = (reason: string, cause?: unknown) =>
    new DaemonError('USAGE', `cannot find the operators' token: ${reason}; ${TOKEN_ADVICE}`, {cause});
  const found = loadOperatorToken();
  const path = file ?? found.file;
  const take = (text: string, where: string): string => {
    const fault = faultOfToken(text);
    if (fault !== undefined) throw refuse(`${where} ${fault}`);
    return text.trim();
  };
  if (file === undefined && found.token !== undefined) return take(found.token, 'HAPROXY_KONTROL_TOKEN');
  if (path === undefined) throw refuse('none is given');
  const bytes = await readInputFile(path).catch(error => {
    throw refuse(reasonOf(error), error);
  });
  return take(bytes.toString(), path);
}
