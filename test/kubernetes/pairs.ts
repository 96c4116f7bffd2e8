import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {sweepFaketime} from '../support/faketime.ts';

/** A self-signed certificate and its key, PEM. */
export interface TestPair {
  readonly chain: string;
  readonly key: string;
}

/** Makes a pair for `name`; valid for a day, or for the day `on` ('2020-01-01') alone. Needs openssl (faketime for `on`). */
export async function makePair(name: string, on?: string): Promise<TestPair> {
  if (on !== undefined) sweepFaketime();
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-pair-'));
  try {
    const command = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
    const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'crt'), '-days', '1'];
    const [file = '', ...args] = [...(on === undefined ? [] : ['faketime', on]), ...command, ...names, ...files];
    await promisify(execFile)(file, args);
    return {chain: await readFile(join(folder, 'crt'), 'utf8'), key: await readFile(join(folder, 'key'), 'utf8')};
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}

export const secretOf = ({chain, key}: TestPair) => ({'tls.crt': chain, 'tls.key': key});
