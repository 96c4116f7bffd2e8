import {isDeepStrictEqual} from 'node:util';
import {isSystemFault, reasonOf} from '../errors.ts';
import {type Clock, pause, within} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import type {Api} from './api.ts';
import {ApiFault} from './api-fault.ts';
import {deriveDelayMs, isLasting, LASTING_MS} from './backoff.ts';
import {type EndpointSlice, fieldsOf, parseEndpointSlice, stringOf} from './objects.ts';
import {openReflector, type Reflection, type ReflectionStatus} from './reflector.ts';
import {
  deriveServiceHosts,
  deriveServices,
  type ServiceEndpoint,
  type ServiceMapping,
  type ServiceSlice,
} from './services.ts';

/** EndpointSlices, the newest first: clusters before 1.21 have only the second. */
const VERSIONS = ['v1', 'v1beta1'] as const;
const GROUP = '/apis/discovery.k8s.io';

/** A start without an answer takes what is remembered after this. */
const PATIENCE_MS = 3000;

/** What was told is written down this long after, once for a crowd of changes. */
const REMEMBER_DELAY_MS = 1000;

export interface ServiceEndpointsPorts {
  readonly namespace: string;
  readonly api: Api;
  readonly files: Pick<Files, 'readText' | 'replace'>;
  /** Where endpoints are remembered, for a restart during an outage. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}

/** The endpoints of some Services, followed: of our own namespace, and of others where RBAC lets us. */
export interface ServiceEndpoints {
  want(mappings: readonly ServiceMapping[]): void;
  /** Addresses by app; what was known last, while the API is silent. */
  hosts(): ReadonlyMap<string, readonly string[]>;
  /** The same with all that is known of each, those that are not ready among them. */
  endpoints(): ReadonlyMap<string, readonly ServiceEndpoint[]>;
  /** Of the namespace that is worst off. */
  readonly status: ReflectionStatus | undefined;
  /** Resolves once the endpoints were told, or are remembered, or the first try failed. */
  tried(): Promise<void>;
  close(): void;
}

type Slices = ReadonlyMap<string, EndpointSlice>;

/** The path of a namespace's EndpointSlices, the newest that the server offers; undefined for a server that has none. */
async function findCollection(
  {api}: ServiceEndpointsPorts,
  namespace: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const {versions} = fieldsOf(await api.request({method: 'GET', path: GROUP, signal}));
  const offered = Array.isArray(versions) ? versions.map(entry => stringOf(fieldsOf(entry).version)) : [];
  const version = VERSIONS.find(one => offered.includes(one));
  return version && `${GROUP}/${version}/namespaces/${namespace}/endpointslices`;
}

/** What was written down, of unknown shape; undefined when it cannot be read. */
async function readRemembered({files, path, log}: ServiceEndpointsPorts): Promise<unknown> {
  try {
    return JSON.parse((await files.readText(path)) ?? '{}');
  } catch (error) {
    if (!isSystemFault(error) && !(error instanceof SyntaxError)) throw error;
    log.warn({reason: `${path}: ${reasonOf(error)}`}, 'remembered endpoints unreadable: going without them');
    return undefined;
  }
}

/** The slices of the Services that are wanted now of one namespace, followed until others are. */
interface Following {
  readonly namespace: string;
  readonly stop: AbortController;
  readonly tried: PromiseWithResolvers<void>;
  reflection?: Reflection;
}

interface State {
  readonly ports: ServiceEndpointsPorts;
  readonly closing: AbortController;
  mappings: readonly ServiceMapping[];
  /** By namespace. */
  slices: ReadonlyMap<string, Slices>;
  /** What an earlier daemon wrote down, of namespaces that the API has not spoken of since the start. */
  remembered: readonly ServiceSlice[];
  following: readonly Following[];
  cancelRemember: () => void;
}

export function openServiceEndpoints(ports: ServiceEndpointsPorts): ServiceEndpoints {
  const state: State = {
    ports,
    closing: new AbortController(),
    mappings: [],
    slices: new Map(),
    remembered: [],
    following: [],
    cancelRemember: () => {},
  };
  return {
    want(next) {
      if (isDeepStrictEqual(next, state.mappings)) return;
      for (const {stop} of state.following) stop.abort();
      state.mappings = next;
      const byNamespace = Map.groupBy(next, ({namespace = ports.namespace}) => namespace);
      state.slices = new Map([...state.slices].filter(([namespace]) => byNamespace.has(namespace)));
      state.following = [...byNamespace].map(([namespace, mappings]) => follow(state, namespace, mappings));
    },
    hosts: () => hostsOf(state),
    endpoints: () => deriveServices(state.mappings, slicesOf(state), ports.namespace),
    get status() {
      const all = state.following.flatMap(({reflection}) => reflection?.status ?? []);
      return all.find(({state: how}) => how === 'failing') ?? all.find(({synced}) => !synced) ?? all[0];
    },
    async tried() {
      if (state.following.length === 0) return;
      await within(ports.clock, PATIENCE_MS, Promise.all(state.following.map(({tried}) => tried.promise)));
      await recall(state);
    },
    close() {
      state.closing.abort();
      for (const {stop} of state.following) stop.abort();
      state.cancelRemember();
    },
  };
}

const slicesOf = ({slices, remembered}: State): ServiceSlice[] => [
  ...[...slices.values()].flatMap(own => [...own.values()]),
  ...remembered,
];

const hostsOf = (state: State) => deriveServiceHosts(state.mappings, slicesOf(state), state.ports.namespace);

function follow(state: State, namespace: string, mappings: readonly ServiceMapping[]): Following {
  const following: Following = {namespace, stop: new AbortController(), tried: Promise.withResolvers()};
  void reflect(state, following, mappings);
  return following;
}

async function reflect(state: State, following: Following, mappings: readonly ServiceMapping[]): Promise<void> {
  const {ports, closing} = state;
  const {namespace, stop, tried} = following;
  const signal = AbortSignal.any([stop.signal, closing.signal]);
  const collection = await findPatiently(ports, namespace, {signal, onFirst: tried.resolve});
  if (collection === undefined || stop.signal.aborted) return;
  const names = [...new Set(mappings.map(({service}) => service))].sort();
  const query = {labelSelector: `kubernetes.io/service-name in (${names.join(',')})`};
  const shown = namespace === ports.namespace ? names : names.map(name => `${namespace}/${name}`);
  const own = () => state.slices.get(namespace) ?? new Map();
  following.reflection = openReflector(
    {what: `endpoints of ${shown.join(', ')}`, path: collection, query},
    {
      replace: objects => become(state, namespace, objects.reduce<Slices>(withSlice, new Map())),
      upsert: object => become(state, namespace, withSlice(own(), object)),
      remove: object => become(state, namespace, withoutSlice(own(), object)),
    },
    ports,
  );
  stop.signal.addEventListener('abort', () => following.reflection?.close(), {once: true});
  await following.reflection.tried;
  tried.resolve();
}

function withSlice(known: Slices, object: unknown): Slices {
  const slice = parseEndpointSlice(object);
  return slice === undefined ? known : new Map(known).set(slice.name, slice);
}

const withoutSlice = (known: Slices, object: unknown): Slices =>
  new Map([...known].filter(([name]) => name !== parseEndpointSlice(object)?.name));

/** `onFirst` is called once it is known that it takes more than one try. */
async function findPatiently(
  ports: ServiceEndpointsPorts,
  namespace: string,
  {signal, onFirst}: {readonly signal: AbortSignal; readonly onFirst: () => void},
): Promise<string | undefined> {
  const {clock, log} = ports;
  for (let failures = 1; !signal.aborted; failures += 1) {
    let delayMs = LASTING_MS;
    try {
      const found = await findCollection(ports, namespace, signal);
      if (found !== undefined) return found;
      if (failures === 1) log.warn({reason: 'it offers no EndpointSlices'}, 'services cannot be followed');
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      if (failures === 1) log.warn({reason: error.message}, 'services cannot be followed yet');
      if (!isLasting(error.status)) delayMs = deriveDelayMs(failures, Math.random());
    }
    onFirst();
    await pause(clock, delayMs, signal);
  }
  return undefined;
}

function become(state: State, namespace: string, next: Slices): void {
  const before = slicesOf(state);
  state.slices = new Map(state.slices).set(namespace, next);
  state.remembered = state.remembered.filter(slice => slice.namespace !== namespace);
  const {mappings, ports} = state;
  const seen = (slices: readonly ServiceSlice[]) => [...deriveServices(mappings, slices, ports.namespace)];
  if (isDeepStrictEqual(seen(before), seen(slicesOf(state)))) return;
  rememberSoon(state);
  ports.onChange();
}

function rememberSoon(state: State): void {
  const {clock, files, log, namespace, path} = state.ports;
  state.cancelRemember();
  state.cancelRemember = clock.after(REMEMBER_DELAY_MS, () => {
    const text = JSON.stringify({namespace, slices: slicesOf(state)});
    files.replace(path, `${text}\n`, 0o600).catch(err => {
      if (!isSystemFault(err)) throw err;
      log.warn({err}, 'cannot remember endpoints of services');
    });
  });
}

/** Takes what was remembered of namespaces that the API has said nothing of. */
async function recall(state: State): Promise<void> {
  const {ports} = state;
  const isSilent = () => state.following.some(({namespace}) => !state.slices.has(namespace));
  if (!isSilent()) return;
  const {namespace: own, slices: remembered} = fieldsOf(await readRemembered(ports));
  if (!isSilent() || own !== ports.namespace || !Array.isArray(remembered)) return;
  state.remembered = remembered.flatMap(parseRemembered).filter(slice => !state.slices.has(slice.namespace));
  ports.log.warn(
    {reason: `${state.remembered.length} slices`},
    'kubernetes api fails: starting with remembered endpoints',
  );
}

/** A slice as it was written down, read as one of the API is; an earlier release wrote ready addresses alone. */
function parseRemembered(value: unknown): ServiceSlice[] {
  const {namespace, name, service, ports, endpoints, ready} = fieldsOf(value);
  const listed = Array.isArray(endpoints) ? endpoints.map(fieldsOf) : [];
  const slice = parseEndpointSlice({
    metadata: {namespace, name, labels: {'kubernetes.io/service-name': service}},
    ports,
    endpoints: [
      ...listed.map(({ip, zone, node, pod, ready, serving, terminating}) => ({
        addresses: [ip],
        conditions: {ready, serving, terminating},
        zone,
        nodeName: node,
        targetRef: {kind: 'Pod', name: pod},
      })),
      ...(Array.isArray(ready) ? ready.map(ip => ({addresses: [ip]})) : []),
    ],
  });
  return slice === undefined ? [] : [slice];
}
