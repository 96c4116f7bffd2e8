import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {createSource, type Source} from '../ports/source.ts';
import type {Api} from './api.ts';
import {type PodObject, parsePod} from './objects.ts';
import {openReflector, type ReflectionStatus} from './reflector.ts';

/** Who claims to be a pod. */
export interface Claim {
  readonly id: string;
  readonly ip: string;
  readonly app: string;
  readonly down: boolean;
}

type Credence =
  | {readonly is: 'real'}
  | {readonly is: 'unreal'; readonly reason: string}
  | {readonly is: 'unknown'; readonly reason: string};

/** After this long without a word from the API, a pod that is not in the directory may merely be new. */
const STALE_MS = 60_000;

export interface DirectoryPorts {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
}

/** The pods of some namespaces, held in memory: no call is made for a ping. */
export interface PodDirectory {
  /** Whether a claim is true: a pod of that name with that IP and `app` label, alive and not on its way out. */
  believe(claim: Claim): Credence;
  /** Pods were told: members that are no longer real can be sent off. */
  readonly changes: Source<void>;
  readonly size: number;
  readonly status: readonly ReflectionStatus[];
  readonly tried: Promise<void>;
  close(): void;
}

const isOver = ({phase}: PodObject): boolean => phase === 'Failed' || phase === 'Succeeded';

/** Pods by name, then by namespace: a claim names no namespace. */
type Shelf = Map<string, Map<string, PodObject>>;

function put(shelf: Shelf, object: unknown): void {
  const pod = parsePod(object);
  if (pod === undefined) return;
  const namesakes = shelf.get(pod.name) ?? new Map<string, PodObject>();
  shelf.set(pod.name, namesakes.set(pod.namespace, pod));
}

function take(shelf: Shelf, object: unknown): void {
  const pod = parsePod(object);
  const namesakes = pod && shelf.get(pod.name);
  namesakes?.delete(pod?.namespace ?? '');
  if (pod !== undefined && namesakes?.size === 0) shelf.delete(pod.name);
}

/** Follows the pods of one namespace, or of all (`*`). */
function openShelf(namespace: string, {api, clock, log}: DirectoryPorts, onChange: () => void) {
  const pods: Shelf = new Map();
  let heardMs = clock.nowMs();
  const told = (change: () => void): void => {
    change();
    heardMs = clock.nowMs();
    onChange();
  };
  const reflection = openReflector(
    {
      what: namespace === '*' ? 'pods of all namespaces' : `pods of namespace ${namespace}`,
      path: namespace === '*' ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`,
    },
    {
      replace: objects =>
        told(() => {
          pods.clear();
          for (const object of objects) put(pods, object);
        }),
      upsert: object => told(() => put(pods, object)),
      remove: object => told(() => take(pods, object)),
    },
    {api, clock, log},
  );
  /** Nothing it lacks can be said not to exist: it was never told, or so long ago that a pod may be newer. */
  const isBlind = (): boolean => {
    const {synced, state} = reflection.status;
    return !synced || (state === 'failing' && clock.nowMs() - heardMs > STALE_MS);
  };
  return {pods, reflection, isBlind};
}

/** Follows the pods of `namespaces`; `*` for those of all. */
export function openPodDirectory(namespaces: readonly string[], ports: DirectoryPorts): PodDirectory {
  const changes = createSource<void>();
  const shelves = namespaces.map(namespace => openShelf(namespace, ports, changes.tell));
  const named = (id: string): PodObject[] => shelves.flatMap(({pods}) => [...(pods.get(id)?.values() ?? [])]);

  const refuse = (reason: string): Credence => ({is: 'unreal', reason});

  return {
    believe({id, ip, app, down}) {
      const found = named(id);
      const pod = found.find(({ips}) => ips.includes(ip)) ?? found[0];
      if (pod === undefined) {
        const blind = shelves.find(({isBlind}) => isBlind());
        if (blind !== undefined) {
          const {what, reason} = blind.reflection.status;
          return {is: 'unknown', reason: `the API has not told the ${what} (${reason ?? 'yet'})`};
        }
        return refuse(`there is no pod ${id} in ${namespaces.join(', ')}`);
      }
      if (!pod.ips.includes(ip)) return refuse(`pod ${id} has ${pod.ips.join(', ') || 'no address yet'}, not ${ip}`);
      if (pod.labels.app !== app) return refuse(`pod ${id} has the label app=${pod.labels.app ?? ''}, not ${app}`);
      // On its way out a pod may still say so.
      if (down) return {is: 'real'};
      if (isOver(pod)) return refuse(`pod ${id} has ended (${pod.phase})`);
      if (pod.terminating) return refuse(`pod ${id} is being deleted`);
      return {is: 'real'};
    },
    changes,
    get size() {
      return shelves.flatMap(({pods}) => [...pods.values()]).reduce((sum, namesakes) => sum + namesakes.size, 0);
    },
    get status() {
      return shelves.map(({reflection}) => reflection.status);
    },
    tried: Promise.all(shelves.map(({reflection}) => reflection.tried)).then(() => {}),
    close() {
      for (const {reflection} of shelves) reflection.close();
    },
  };
}
