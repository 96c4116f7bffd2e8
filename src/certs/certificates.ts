import {isSystemFault} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {createQueue} from '../ports/queue.ts';
import {type CertificateStatus, openCertificateFolder} from './folder.ts';
import {type MountedPair, openMountedCertificates} from './mounted.ts';
import {type AskProxy, createRotation} from './rotation.ts';

/** A Secret as its source tells it: a pair, or why there is none. */
export type TlsSecret =
  | {readonly is: 'pair'; readonly chain: string; readonly key: string}
  | {readonly is: 'none'; readonly reason: string};

/** Follows one Secret; the returned pair closes it and says when the first try was made. */
export type FollowSecret = (
  name: string,
  onTold: (secret: TlsSecret) => void,
) => {close(): void; readonly tried: Promise<void>};

export interface CertificatesPorts {
  readonly dataFolder: string;
  /** A folder of mounted Secrets, which go before those of the API. */
  readonly mounted: string | undefined;
  /** Undefined where there is no API. */
  readonly followSecret: FollowSecret | undefined;
  /** Undefined for a HAProxy that cannot be given certificates while it runs. */
  readonly ask: AskProxy | undefined;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  /** The certificates that a template can see, or what they hold, changed. */
  readonly onChange: (cause: string) => void;
  /** A pair that was offered is no good. */
  readonly onRefused: (name: string, reason: string) => void;
}

/** The TLS certificates of the pod: told by Secrets or a mounted folder, kept in the data folder, given to HAProxy. */
export interface Certificates {
  /** The names that are wanted now: those of the annotation, and all that are mounted. */
  want(names: readonly string[]): void;
  /** Resolves once each wanted name was looked for. */
  readonly tried: Promise<void>;
  /** `certs` of a template: the path of each good one by name. */
  paths(): Readonly<Record<string, string>>;
  status(): readonly CertificateStatus[];
  /** See `Rotation`. */
  refresh(text: string): Promise<boolean>;
  /** A pass ended well: `reloaded` says whether a new generation loaded the files; `text` is what serves. Never rejects. */
  settle(reloaded: boolean, text: string): Promise<void>;
  close(): void;
}

export async function openCertificates(ports: CertificatesPorts, wanted: readonly string[]): Promise<Certificates> {
  const {dataFolder, files, clock, log, ask, followSecret, onChange, onRefused} = ports;
  const folder = openCertificateFolder(dataFolder, {files, clock, log});
  const rotation = createRotation({folder, ask, log});
  const secrets = new Map<string, ReturnType<FollowSecret>>();
  let names = wanted;
  let mounted: ReadonlyMap<string, MountedPair> = new Map();

  /** One after the other, in the order in which they were told. */
  const takes = createQueue();
  const enqueue = (name: string, pair: MountedPair): void => {
    void takes.add(() => take(name, pair));
  };

  const take = async (name: string, pair: MountedPair): Promise<void> => {
    const offered = await folder.offer(name, pair);
    if (offered === 'added' || offered === 'rotated') onChange(`certificate ${name} ${offered}`);
    const problem = folder.status().find(status => status.name === name)?.problem;
    if (offered === 'refused' && problem) onRefused(name, problem);
  };

  const follow = (name: string) => {
    if (followSecret === undefined) {
      if (!mounted.has(name)) folder.lack(name, 'it is not mounted, and the API is not used');
      return;
    }
    const following = followSecret(name, secret => {
      if (mounted.has(name)) return;
      if (secret.is === 'pair') enqueue(name, secret);
      else folder.lack(name, secret.reason);
    });
    secrets.set(name, following);
  };

  const align = () => {
    for (const [name, following] of secrets) {
      if (names.includes(name)) continue;
      following.close();
      secrets.delete(name);
    }
    folder.keep([...names, ...mounted.keys()]);
    for (const name of names) if (!secrets.has(name)) follow(name);
  };

  const volume = ports.mounted === undefined ? undefined : openMountedCertificates(ports.mounted, {files, clock, log});
  mounted = (await volume?.load()) ?? mounted;
  await folder.load([...names, ...mounted.keys()]);
  for (const [name, pair] of mounted) await folder.offer(name, pair);
  align();
  const stopVolume = volume?.follow(pairs => {
    const lost = [...mounted.keys()].filter(name => !pairs.has(name));
    mounted = pairs;
    for (const [name, pair] of pairs) enqueue(name, pair);
    for (const name of lost) folder.lack(name, 'it is no longer mounted');
  });

  return {
    want(next) {
      if (next.join() === names.join()) return;
      names = next;
      align();
    },
    get tried() {
      return Promise.all([...secrets.values()].map(({tried}) => tried)).then(takes.settled);
    },
    paths: () => Object.fromEntries([...folder.pairs().keys()].sort().map(name => [name, folder.pathOf(name)])),
    status: folder.status,
    refresh: rotation.refresh,
    async settle(reloaded, text) {
      if (reloaded) rotation.loaded();
      const gone = await folder
        .sweep(path => text.includes(path))
        .catch(err => {
          if (!isSystemFault(err)) throw err;
          log.warn({err}, 'cannot remove certificates that are no longer used: tried again after the next pass');
          return [];
        });
      if (gone.length === 0) return;
      rotation.shrunk();
      onChange(`certificate ${gone.join(', ')} removed`);
    },
    close() {
      stopVolume?.();
      for (const following of secrets.values()) following.close();
    },
  };
}
