import {DaemonError, foreseenReason} from '../errors.ts';
import type {Log} from '../ports/log.ts';
import type {CertificateFolder} from './folder.ts';
import type {Pair} from './pair.ts';

/** Since 2.1 HAProxy can be given a certificate while it runs (management.txt 9.3, "set ssl cert"). */
export const canSetCertificates = ({major, minor}: {readonly major: number; readonly minor: number}): boolean =>
  major > 2 || (major === 2 && minor >= 1);

/** One command on the runtime socket of the generation that serves, with a payload where the command takes one. */
export type AskProxy = (command: string, payload?: string) => Promise<string>;

/**
 * Gives the running HAProxy a new pair for a file it has loaded. False when it has not loaded that file: whoever names
 * it must be reloaded, or nobody does. Rejects when HAProxy refuses; what it had goes on serving.
 */
async function commitCertificate(path: string, pair: Pair, ask: AskProxy): Promise<boolean> {
  const begun = await ask(`set ssl cert ${path}`, pair.pem);
  if (/not referenced/i.test(begun)) return false;
  const refuse = (answer: string) =>
    new DaemonError('PROXY', `HAProxy refuses ${path}: ${answer.replace(/\s+/g, ' ').slice(0, 200)}`);
  if (!/Transaction (created|updated)/i.test(begun)) throw refuse(begun);
  const committed = await ask(`commit ssl cert ${path}`);
  if (/Success!/.test(committed)) return true;
  await ask(`abort ssl cert ${path}`).catch(() => {});
  throw refuse(committed);
}

/** What the running HAProxy has of the certificates, and how it comes to have what is in the folder. */
export interface Rotation {
  /**
   * Brings the HAProxy that runs up to date: over its runtime socket where it can. Resolves with whether `text` needs
   * a reload for it. What a reload now would load is noted, for `loaded`.
   */
  refresh(text: string): Promise<boolean>;
  /** A new generation has loaded what was in the folder at the last `refresh`. */
  loaded(): void;
  /** The folder lost a file that HAProxy may have loaded with it. */
  shrunk(): void;
}

export function createRotation(ports: {
  readonly folder: Pick<CertificateFolder, 'path' | 'pathOf' | 'pairs'>;
  /** Undefined for a HAProxy that must be reloaded. */
  readonly ask: AskProxy | undefined;
  readonly log: Log;
}): Rotation {
  const {folder, ask, log} = ports;
  let running = new Map<string, string>();
  let noted = running;
  let hasShrunk = false;

  const namesFolder = (text: string): boolean =>
    text.split(/["'\s]+/).some(word => word === folder.path || word === `${folder.path}/`);

  const isLoaded = async (name: string, pair: Pair): Promise<boolean> => {
    if (ask === undefined || !running.has(name)) return false;
    try {
      if (!(await commitCertificate(folder.pathOf(name), pair, ask))) return false;
      log.info({certificate: name}, 'certificate rotated in the running proxy');
      return true;
    } catch (error) {
      log.warn({certificate: name, reason: foreseenReason(error)}, 'certificate not rotated at runtime: reloading');
      return false;
    }
  };

  return {
    async refresh(text) {
      const pairs = folder.pairs();
      noted = new Map([...pairs].map(([name, {fingerprint}]) => [name, fingerprint]));
      const whole = namesFolder(text);
      let stale = hasShrunk && whole;
      for (const [name, pair] of pairs) {
        if (running.get(name) === pair.fingerprint) continue;
        const isUsed = whole || text.includes(folder.pathOf(name));
        if (!isUsed || (await isLoaded(name, pair))) running.set(name, pair.fingerprint);
        else stale = true;
      }
      return stale;
    },
    loaded() {
      running = new Map(noted);
      hasShrunk = false;
    },
    shrunk() {
      hasShrunk = true;
    },
  };
}
