import {isSystemFault} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {createQueue, type Queue} from '../ports/queue.ts';
import {type CertificateFolder, type CertificateStatus, openCertificateFolder} from './folder.ts';
import {type MountedPair, openMountedCertificates} from './mounted.ts';
import {type AskProxy, createRotation, type Rotation} from './rotation.ts';

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
  /** The folder of mounted ones, and why nothing can be taken from it; null where there is to be none. */
  mounted(): {readonly path: string; readonly problem: string | null} | null;
  /** See `Rotation`. */
  refresh(text: string): Promise<boolean>;
  /** A pass ended well: `reloaded` says whether a new generation loaded the files; `text` is what serves. Never rejects. */
  settle(reloaded: boolean, text: string): Promise<void>;
  close(): void;
}

interface State {
  readonly ports: CertificatesPorts;
  readonly folder: CertificateFolder;
  readonly rotation: Rotation;
  readonly secrets: Map<string, ReturnType<FollowSecret>>;
  /** Pairs are taken one after the other, in the order in which they were told. */
  readonly takes: Queue;
  /** Of the annotation. */
  names: readonly string[];
  mounted: ReadonlyMap<string, MountedPair>;
}

export async function openCertificates(ports: CertificatesPorts, wanted: readonly string[]): Promise<Certificates> {
  const {dataFolder, files, clock, log, ask} = ports;
  const folder = openCertificateFolder(dataFolder, {files, clock, log});
  const volume = ports.mounted === undefined ? undefined : openMountedCertificates(ports.mounted, {files, clock, log});
  const state: State = {
    ports,
    folder,
    rotation: createRotation({folder, ask, log}),
    secrets: new Map(),
    takes: createQueue(),
    names: wanted,
    mounted: (await volume?.load()) ?? new Map(),
  };
  const {rotation, secrets, takes, mounted} = state;
  await folder.load([...wanted, ...mounted.keys()]);
  for (const [name, pair] of mounted) await folder.offer(name, pair);
  align(state);
  const stopVolume = volume?.follow(pairs => mount(state, pairs));
  return {
    want(next) {
      if (next.join() === state.names.join()) return;
      state.names = next;
      align(state);
    },
    get tried() {
      return Promise.all([...secrets.values()].map(({tried}) => tried)).then(takes.settled);
    },
    paths: () => Object.fromEntries([...folder.pairs().keys()].sort().map(name => [name, folder.pathOf(name)])),
    status: folder.status,
    mounted: () => (volume === undefined ? null : {path: volume.folder, problem: volume.problem ?? null}),
    refresh: rotation.refresh,
    settle: (reloaded, text) => settle(state, reloaded, text),
    close() {
      stopVolume?.();
      for (const following of secrets.values()) following.close();
    },
  };
}

function enqueue(state: State, name: string, pair: MountedPair): void {
  void state.takes.add(() => take(state, name, pair));
}

async function take({folder, ports}: State, name: string, pair: MountedPair): Promise<void> {
  const offered = await folder.offer(name, pair);
  if (offered === 'added' || offered === 'rotated') ports.onChange(`certificate ${name} ${offered}`);
  const problem = folder.status().find(status => status.name === name)?.problem;
  if (offered === 'refused' && problem) ports.onRefused(name, problem);
}

/** Follows the Secret of that name; a mounted one goes before it. */
function follow(state: State, name: string): void {
  const {folder, ports} = state;
  if (ports.followSecret === undefined) {
    if (!state.mounted.has(name)) folder.lack(name, 'it is not mounted, and the API is not used');
    return;
  }
  const following = ports.followSecret(name, secret => {
    if (state.mounted.has(name)) return;
    if (secret.is === 'pair') enqueue(state, name, secret);
    else folder.lack(name, secret.reason);
  });
  state.secrets.set(name, following);
}

/** Follows those that are wanted, and no others. */
function align(state: State): void {
  const {names, secrets} = state;
  for (const [name, following] of secrets) {
    if (names.includes(name)) continue;
    following.close();
    secrets.delete(name);
  }
  state.folder.keep([...names, ...state.mounted.keys()]);
  for (const name of names) if (!secrets.has(name)) follow(state, name);
}

function mount(state: State, pairs: ReadonlyMap<string, MountedPair>): void {
  const lost = [...state.mounted.keys()].filter(name => !pairs.has(name));
  state.mounted = pairs;
  for (const [name, pair] of pairs) enqueue(state, name, pair);
  for (const name of lost) state.folder.lack(name, 'it is no longer mounted');
}

async function settle({folder, rotation, ports}: State, reloaded: boolean, text: string): Promise<void> {
  if (reloaded) rotation.loaded();
  const gone = await folder
    .sweep(path => text.includes(path))
    .catch(err => {
      if (!isSystemFault(err)) throw err;
      ports.log.warn({err}, 'cannot remove certificates that are no longer used: tried again after the next pass');
      return [];
    });
  if (gone.length === 0) return;
  rotation.shrunk();
  ports.onChange(`certificate ${gone.join(', ')} removed`);
}
