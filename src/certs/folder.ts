import {isSystemFault, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {folderFault} from '../ports/write-fault.ts';
import {checkPair, type Pair} from './pair.ts';

/*
 * INVARIANTS
 * - `<name>.pem` holds the last good pair of that name: it is written in another folder and renamed, so that HAProxy,
 *   which reads the folder whole where a template says so, never sees half of one.
 * - What is missing or broken changes nothing but the problem that is shown.
 */

/** A certificate as `/status` shows it. Times in epoch ms. */
export interface CertificateStatus {
  readonly name: string;
  readonly expiresAt: number | null;
  readonly fingerprint: string | null;
  readonly names: string | null;
  /** Why what was offered last did not replace what is served; null when it did. */
  readonly problem: string | null;
}

/** What offering a pair led to. */
export type Offered = 'added' | 'rotated' | 'same' | 'refused';

export interface CertificateFolder {
  readonly path: string;
  /** Takes in what an earlier run left. Rejects with DATA. */
  load(names: readonly string[]): Promise<void>;
  /** Checks a pair and makes it the one of `name`; one that cannot be written is refused. */
  offer(name: string, given: {readonly chain: string; readonly key: string}): Promise<Offered>;
  /** Notes that there is nothing to offer: the last good one stays. */
  lack(name: string, problem: string): void;
  /** The good ones, by name. */
  pairs(): ReadonlyMap<string, Pair>;
  pathOf(name: string): string;
  /** Forgets all but these; their files stay until `sweep`. */
  keep(names: readonly string[]): void;
  /** Removes files of names that are forgotten and that `isUsed` lets go; resolves with the names of those gone. */
  sweep(isUsed: (path: string) => boolean): Promise<readonly string[]>;
  status(): readonly CertificateStatus[];
}

interface Certificate {
  readonly pair: Pair | undefined;
  readonly problem: string | undefined;
}

const OWNER_ONLY = 0o600;

export function openCertificateFolder(
  dataFolder: string,
  ports: {readonly files: Files; readonly clock: Clock; readonly log: Log},
): CertificateFolder {
  const {files, clock, log} = ports;
  const path = `${dataFolder}/certs`;
  const incoming = `${dataFolder}/certs-incoming`;
  const certificates = new Map<string, Certificate>();
  const pathOf = (name: string): string => `${path}/${name}.pem`;

  const lack = (name: string, problem: string): void => {
    const known = certificates.get(name);
    if (known?.problem === problem) return;
    certificates.set(name, {pair: known?.pair, problem});
    log.warn({certificate: name, reason: problem}, 'certificate not taken: the last good one stays');
  };

  return {
    path,
    pathOf,
    lack,
    async load(names) {
      for (const folder of [path, incoming]) {
        await files.makeFolder(folder).catch(cause => {
          throw folderFault(folder, cause);
        });
      }
      for (const name of names) {
        const text = await files.readText(pathOf(name)).catch(() => undefined);
        const checked = text === undefined ? undefined : checkPair({chain: text, key: text}, undefined);
        if (checked?.is === 'good') certificates.set(name, {pair: checked.pair, problem: undefined});
      }
    },
    async offer(name, given) {
      const checked = checkPair(given, clock.epochMs());
      if (checked.is === 'bad') {
        lack(name, checked.reason);
        return 'refused';
      }
      const {pair} = checked;
      const known = certificates.get(name);
      if (known?.pair?.pem === pair.pem) {
        certificates.set(name, {pair, problem: undefined});
        return 'same';
      }
      try {
        await files.replace(`${incoming}/${name}.pem`, pair.pem, OWNER_ONLY);
        await files.rename(`${incoming}/${name}.pem`, pathOf(name));
      } catch (error) {
        if (!isSystemFault(error)) throw error;
        lack(name, `cannot write ${pathOf(name)}: ${reasonOf(error)}`);
        return 'refused';
      }
      certificates.set(name, {pair, problem: undefined});
      log.info({certificate: name, expiresAt: pair.expiresAt, reason: pair.names}, 'certificate taken');
      return known?.pair === undefined ? 'added' : 'rotated';
    },
    pairs: () => new Map([...certificates].flatMap(([name, {pair}]) => (pair === undefined ? [] : [[name, pair]]))),
    keep(names) {
      for (const name of certificates.keys()) if (!names.includes(name)) certificates.delete(name);
    },
    async sweep(isUsed) {
      const names = (await files.list(path)).flatMap(file => (file.endsWith('.pem') ? [file.slice(0, -4)] : []));
      const gone = names.filter(name => !certificates.has(name) && !isUsed(pathOf(name)));
      for (const name of gone) await files.remove(pathOf(name));
      return gone;
    },
    status: () =>
      [...certificates].map(([name, {pair, problem}]) => ({
        name,
        expiresAt: pair?.expiresAt ?? null,
        fingerprint: pair?.fingerprint ?? null,
        names: pair?.names ?? null,
        problem: problem ?? null,
      })),
  };
}
