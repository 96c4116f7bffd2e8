import {execFileSync} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** A CA, a certificate of 127.0.0.1 for servers, and one for clients that names nobody, fresh in a folder that disposing removes. */
export interface Certificates extends AsyncDisposable {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** etcd's gateway refuses certificates with a CommonName once it has users. */
  readonly client: {readonly cert: string; readonly key: string};
  /** One that names somebody. */
  readonly named: {readonly cert: string; readonly key: string};
}

const EXTENSIONS = 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n';

/** Makes them with openssl (part `openssl`). */
export async function createCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-certs-'));
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, {stdio: 'ignore', cwd: folder});
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await writeFile(path('ext'), EXTENSIONS);
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test ca', '-days', '2');
  openssl('req', ...key, '-keyout', 'node.key', '-out', 'node.csr', '-subj', '/CN=node');
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext', '-days', '2'];
  openssl('x509', '-req', '-in', 'node.csr', ...sign, '-out', 'node.pem');
  openssl('req', ...key, '-keyout', 'client.key', '-out', 'client.csr', '-subj', '/O=kontrol');
  openssl('x509', '-req', '-in', 'client.csr', ...sign, '-out', 'client.pem');
  openssl('req', ...key, '-keyout', 'named.key', '-out', 'named.csr', '-subj', '/CN=kontrol');
  openssl('x509', '-req', '-in', 'named.csr', ...sign, '-out', 'named.pem');
  return {
    named: {cert: path('named.pem'), key: path('named.key')},
    client: {cert: path('client.pem'), key: path('client.key')},
    ca: path('ca.pem'),
    cert: path('node.pem'),
    key: path('node.key'),
    [Symbol.asyncDispose]: () => rm(folder, {recursive: true, force: true}),
  };
}
