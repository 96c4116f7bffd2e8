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
import {deriveServiceHosts, type ServiceMapping} from './services.ts';

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

/** The ready endpoints of some Services of our own namespace, followed. */
export interface ServiceEndpoints {
  want(mappings: readonly ServiceMapping[]): void;
  /** Addresses by app; what was known last, while the API is silent. */
  hosts(): ReadonlyMap<string, readonly string[]>;
  readonly status: ReflectionStatus | undefined;
  /** Resolves once the endpoints were told, or are remembered, or the first try failed. */
  tried(): Promise<void>;
  close(): void;
}

type Slices = ReadonlyMap<string, EndpointSlice>;

/** The path of the newest EndpointSlices that the server offers; undefined for a server that has none. */
async function findCollection(
  {api, namespace}: ServiceEndpointsPorts,
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

/** The slices of the Services that are wanted now, followed until others are. */
interface Following {
  readonly stop: AbortController;
  readonly tried: PromiseWithResolvers<void>;
  reflection?: Reflection;
}

interface State {
  readonly ports: ServiceEndpointsPorts;
  readonly closing: AbortController;
  mappings: readonly ServiceMapping[];
  slices: Slices;
  /** The API has spoken since the start. */
  isTold: boolean;
  following: Following | undefined;
  cancelRemember: () => void;
}

export function openServiceEndpoints(ports: ServiceEndpointsPorts): ServiceEndpoints {
  const state: State = {
    ports,
    closing: new AbortController(),
    mappings: [],
    slices: new Map(),
    isTold: false,
    following: undefined,
    cancelRemember: () => {},
  };
  return {
    want(next) {
      if (isDeepStrictEqual(next, state.mappings)) return;
      state.following?.stop.abort();
      state.following = undefined;
      state.mappings = next;
      if (next.length > 0) void follow(state);
    },
    hosts: () => hostsOf(state),
    get status() {
      return state.following?.reflection?.status;
    },
    async tried() {
      if (state.following === undefined) return;
      await within(ports.clock, PATIENCE_MS, state.following.tried.promise);
      await recall(state);
    },
    close() {
      state.closing.abort();
      state.following?.stop.abort();
      state.cancelRemember();
    },
  };
}

const hostsOf = ({mappings, slices}: State) => deriveServiceHosts(mappings, slices.values());

async function follow(state: State): Promise<void> {
  const {ports, closing, mappings} = state;
  const following: Following = {stop: new AbortController(), tried: Promise.withResolvers()};
  const {stop, tried} = following;
  state.following = following;
  const collection = await findPatiently(ports, AbortSignal.any([stop.signal, closing.signal]), tried.resolve);
  if (collection === undefined || stop.signal.aborted) return;
  const names = [...new Set(mappings.map(({service}) => service))].sort();
  const query = {labelSelector: `kubernetes.io/service-name in (${names.join(',')})`};
  following.reflection = openReflector(
    {what: `endpoints of ${names.join(', ')}`, path: collection, query},
    {
      replace: objects => become(state, objects.reduce<Slices>(withSlice, new Map())),
      upsert: object => become(state, withSlice(state.slices, object)),
      remove: object => become(state, withoutSlice(state.slices, object)),
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
  signal: AbortSignal,
  onFirst: () => void,
): Promise<string | undefined> {
  const {clock, log} = ports;
  for (let failures = 1; !signal.aborted; failures += 1) {
    let delayMs = LASTING_MS;
    try {
      const found = await findCollection(ports, signal);
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

function become(state: State, next: Slices): void {
  const before = hostsOf(state);
  state.slices = next;
  state.isTold = true;
  if (isDeepStrictEqual(before, hostsOf(state))) return;
  rememberSoon(state);
  state.ports.onChange();
}

function rememberSoon(state: State): void {
  const {clock, files, log, namespace, path} = state.ports;
  state.cancelRemember();
  state.cancelRemember = clock.after(REMEMBER_DELAY_MS, () => {
    const text = JSON.stringify({namespace, slices: [...state.slices.values()]});
    files.replace(path, `${text}\n`, 0o600).catch(err => {
      if (!isSystemFault(err)) throw err;
      log.warn({err}, 'cannot remember endpoints of services');
    });
  });
}

/** Takes what was remembered, unless the API was faster. */
async function recall(state: State): Promise<void> {
  const {ports} = state;
  if (state.isTold) return;
  const {namespace, slices: remembered} = fieldsOf(await readRemembered(ports));
  if (state.isTold || namespace !== ports.namespace || !Array.isArray(remembered)) return;
  const known = remembered.map(fieldsOf).flatMap(({name, service, ready}) => {
    if (typeof name !== 'string' || !Array.isArray(ready)) return [];
    const addresses = ready.filter(address => typeof address === 'string');
    return [[name, {...NAMELESS, name, service: stringOf(service), ready: addresses}] as const];
  });
  state.slices = new Map(known);
  ports.log.warn({reason: `${state.slices.size} slices`}, 'kubernetes api fails: starting with remembered endpoints');
}

const NAMELESS = {namespace: '', uid: undefined, resourceVersion: undefined, addressType: undefined};
