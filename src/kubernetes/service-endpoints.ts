import {isDeepStrictEqual} from 'node:util';
import {isSystemFault, reasonOf} from '../errors.ts';
import {type Clock, pause, sleep} from '../ports/clock.ts';
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

export function openServiceEndpoints(ports: ServiceEndpointsPorts): ServiceEndpoints {
  const {api, clock, files, log, path} = ports;
  const closing = new AbortController();
  let mappings: readonly ServiceMapping[] = [];
  let slices: Slices = new Map();
  let isTold = false;
  let current: {readonly stop: AbortController; readonly tried: Promise<void>; reflection?: Reflection} | undefined;
  let cancelRemember = () => {};

  const hosts = () => deriveServiceHosts(mappings, slices.values());

  const remember = () => {
    cancelRemember();
    cancelRemember = clock.after(REMEMBER_DELAY_MS, () => {
      const text = JSON.stringify({namespace: ports.namespace, slices: [...slices.values()]});
      files.replace(path, `${text}\n`, 0o600).catch(err => {
        if (!isSystemFault(err)) throw err;
        log.warn({err}, 'cannot remember endpoints of services');
      });
    });
  };

  const become = (next: Slices) => {
    const before = hosts();
    slices = next;
    isTold = true;
    if (isDeepStrictEqual(before, hosts())) return;
    remember();
    ports.onChange();
  };

  const recall = async () => {
    if (isTold) return;
    const {namespace, slices: remembered} = fieldsOf(await readRemembered(ports));
    if (isTold || namespace !== ports.namespace || !Array.isArray(remembered)) return;
    const known = remembered.map(fieldsOf).flatMap(({name, service, ready}) => {
      if (typeof name !== 'string' || !Array.isArray(ready)) return [];
      const addresses = ready.filter(address => typeof address === 'string');
      return [[name, {...NAMELESS, name, service: stringOf(service), ready: addresses}] as const];
    });
    slices = new Map(known);
    log.warn({reason: `${slices.size} slices`}, 'kubernetes api fails: starting with remembered endpoints');
  };

  const find = async (signal: AbortSignal, onFirst: () => void): Promise<string | undefined> => {
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        const found = await findCollection(ports, signal);
        if (found !== undefined) return found;
        if (failures === 1) log.warn({reason: 'it offers no EndpointSlices'}, 'services cannot be followed');
      } catch (error) {
        if (!(error instanceof ApiFault)) throw error;
        if (failures === 1) log.warn({reason: error.message}, 'services cannot be followed yet');
        if (!isLasting(error.status)) {
          onFirst();
          await pause(clock, deriveDelayMs(failures, Math.random()), signal);
          continue;
        }
      }
      onFirst();
      await pause(clock, LASTING_MS, signal);
    }
    return undefined;
  };

  const follow = (): void => {
    const stop = new AbortController();
    const tried = Promise.withResolvers<void>();
    const followed: NonNullable<typeof current> = {stop, tried: tried.promise};
    current = followed;
    const start = async () => {
      const collection = await find(AbortSignal.any([stop.signal, closing.signal]), tried.resolve);
      if (collection === undefined || stop.signal.aborted) return;
      const names = [...new Set(mappings.map(({service}) => service))].sort();
      const query = {labelSelector: `kubernetes.io/service-name in (${names.join(',')})`};
      const what = `endpoints of ${names.join(', ')}`;
      const put = (known: Slices, object: unknown): Slices => {
        const slice = parseEndpointSlice(object);
        return slice === undefined ? known : new Map(known).set(slice.name, slice);
      };
      followed.reflection = openReflector(
        {what, path: collection, query},
        {
          replace: objects => become(objects.reduce<Slices>(put, new Map())),
          upsert: object => become(put(slices, object)),
          remove: object => become(new Map([...slices].filter(([name]) => name !== parseEndpointSlice(object)?.name))),
        },
        {api, clock, log},
      );
      stop.signal.addEventListener('abort', () => followed.reflection?.close(), {once: true});
      await followed.reflection.tried;
      tried.resolve();
    };
    void start();
  };

  return {
    want(next) {
      if (isDeepStrictEqual(next, mappings)) return;
      current?.stop.abort();
      current = undefined;
      mappings = next;
      if (mappings.length > 0) follow();
    },
    hosts,
    get status() {
      return current?.reflection?.status;
    },
    async tried() {
      if (current === undefined) return;
      await Promise.race([current.tried, sleep(clock, PATIENCE_MS)]);
      await recall();
    },
    close() {
      closing.abort();
      current?.stop.abort();
      cancelRemember();
    },
  };
}

const NAMELESS = {namespace: '', uid: undefined, resourceVersion: undefined, addressType: undefined};
