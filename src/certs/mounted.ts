import {isSystemFault, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {isCertificateName} from './names.ts';

/** Mounted Secrets change at most once in a minute. */
const POLL_MS = 2000;

/** A pair as it lies in a folder: what a mounted Secret of type kubernetes.io/tls holds. */
export interface MountedPair {
  readonly chain: string;
  readonly key: string;
}

/** A folder of mounted Secrets, one in each sub-folder: `<name>/tls.crt` and `<name>/tls.key`. */
export interface MountedCertificates {
  readonly folder: string;
  /** Why nothing could be read at the last look; the proxy does with what it has. */
  readonly problem: string | undefined;
  /** Reads all that is there now: a part that cannot be read is empty, a pair with neither part left out. */
  load(): Promise<ReadonlyMap<string, MountedPair>>;
  /** Calls back with all that is there after a change. */
  follow(onChange: (pairs: ReadonlyMap<string, MountedPair>) => void): () => void;
}

export function openMountedCertificates(
  folder: string,
  {
    files,
    clock,
    log,
  }: {readonly files: Pick<Files, 'list' | 'readStamp' | 'readText'>; readonly clock: Clock; readonly log: Log},
): MountedCertificates {
  let problem: string | undefined;
  let seen: string | undefined;

  /** Undefined for a file that is absent, or cannot be read. */
  const read = (name: string, file: 'tls.crt' | 'tls.key'): Promise<string | undefined> =>
    files.readText(`${folder}/${name}/${file}`).catch(error => {
      if (!isSystemFault(error)) throw error;
      return undefined;
    });

  const note = (found: string | undefined): void => {
    if (found !== undefined && found !== problem) log.warn({reason: found}, 'mounted certificates unreadable');
    problem = found;
  };

  const load = async (): Promise<ReadonlyMap<string, MountedPair>> => {
    const pairs = new Map<string, MountedPair>();
    try {
      const isThere = (await files.readStamp(folder)) !== undefined;
      for (const name of (await files.list(folder)).sort()) {
        if (!isCertificateName(name)) continue;
        const chain = await read(name, 'tls.crt');
        const key = await read(name, 'tls.key');
        if (chain !== undefined || key !== undefined) pairs.set(name, {chain: chain ?? '', key: key ?? ''});
      }
      note(isThere ? undefined : `there is no folder ${folder}`);
    } catch (error) {
      if (!isSystemFault(error)) throw error;
      note(reasonOf(error));
    }
    return pairs;
  };

  return {
    folder,
    get problem() {
      return problem;
    },
    load,
    follow(onChange) {
      let closed = false;
      let cancel = () => {};
      const look = async () => {
        const pairs = await load();
        if (closed) return;
        const text = JSON.stringify([...pairs]);
        if (text !== seen) onChange(pairs);
        seen = text;
        cancel = clock.after(POLL_MS, () => void look());
      };
      void look();
      return () => {
        closed = true;
        cancel();
      };
    },
  };
}
