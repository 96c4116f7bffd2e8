import {DaemonError, reasonOf} from '../errors.ts';
import type {Files} from '../ports/files.ts';
import type {Secrets} from './gateway.ts';

/** The files that hold what etcd asks for; docs/replicas.md names their settings. */
export interface SecretFiles {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly userFile: string | undefined;
}

/** Reads all that are set. Rejects with CONFIG, naming the setting, for one that is missing or does not say what it should. */
export async function loadSecrets(paths: SecretFiles, files: Pick<Files, 'readText'>): Promise<Secrets> {
  const read = async (setting: string, path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    const text = await files.readText(path).catch(cause => {
      throw new DaemonError('CONFIG', `cannot read ${setting} ${path}: ${reasonOf(cause)}`, {cause});
    });
    if (text === undefined) throw new DaemonError('CONFIG', `cannot read ${setting} ${path}: there is no such file`);
    return text;
  };
  const [ca, cert, key, user] = await Promise.all([
    read('KONTROL_ETCD_CA_FILE', paths.caFile),
    read('KONTROL_ETCD_CERT_FILE', paths.certFile),
    read('KONTROL_ETCD_KEY_FILE', paths.keyFile),
    read('KONTROL_ETCD_USER_FILE', paths.userFile),
  ]);
  const match = user === undefined ? undefined : /^(?<name>[^:\n]+):(?<password>.+)$/.exec(user.trim())?.groups;
  if (user !== undefined && match === undefined) {
    throw new DaemonError(
      'CONFIG',
      `cannot use KONTROL_ETCD_USER_FILE ${paths.userFile}: it does not hold name:password`,
    );
  }
  return {
    tls: {...(ca !== undefined && {ca}), ...(cert !== undefined && {cert}), ...(key !== undefined && {key})},
    credentials: match && {name: match.name ?? '', password: match.password ?? ''},
  };
}
