import {isIP} from 'node:net';
import type {EndpointSlice, SliceEndpoint} from './objects.ts';

/** Services whose ready endpoints are hosts too: `web,api=other-name,db=shop/db` (app, or app=Service of ours or of a namespace). */
export const SERVICES_ANNOTATION = 'haproxy.unity3d.com/services';

const MAX_SERVICES = 100;

/** A label's value: what a template finds in `hosts`. */
const APP = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
/** A Service's name (RFC 1035 label, or RFC 1123 in newer clusters). */
const SERVICE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

export interface ServiceMapping {
  readonly app: string;
  readonly service: string;
  /** Absent: our own. */
  readonly namespace?: string;
}

/** The mappings in the annotation, one for each app, and what else stands in it. */
export function parseServices(annotation: string | undefined): {
  readonly mappings: readonly ServiceMapping[];
  readonly refused: readonly string[];
} {
  const mappings = new Map<string, ServiceMapping>();
  const refused: string[] = [];
  for (const entry of (annotation ?? '').split(',').map(text => text.trim())) {
    if (entry === '') continue;
    const mapping = parseMapping(entry);
    if (mapping === undefined || mappings.has(mapping.app) || mappings.size >= MAX_SERVICES) refused.push(entry);
    else mappings.set(mapping.app, mapping);
  }
  return {mappings: [...mappings.values()], refused};
}

/** `app`, `app=service`, `app=namespace/service`, or `namespace/service`, whose app has the Service's name. */
function parseMapping(entry: string): ServiceMapping | undefined {
  const [first = '', second = first, ...rest] = entry.split('=').map(text => text.trim());
  const [service = '', namespace, ...more] = second.split('/').reverse();
  const app = second === first ? service : first;
  const names = namespace === undefined ? [service] : [service, namespace];
  const isGood = APP.test(app) && names.every(name => SERVICE.test(name)) && rest.length + more.length === 0;
  return isGood ? {app, service, ...(namespace !== undefined && {namespace})} : undefined;
}

/** An address of a Service with its ports: `port` is the first of them, and `port_name` its name. */
export interface ServiceEndpoint extends SliceEndpoint {
  readonly port: number | null;
  readonly port_name: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** What the slices of one Service say. */
export type ServiceSlice = Pick<EndpointSlice, 'namespace' | 'service' | 'ports' | 'endpoints'>;

const byAddress = (a: string, b: string): number => a.localeCompare(b, 'en', {numeric: true});

/** Those of one family: of a dual-stack Service, that has its pods in both, IPv4; IPv6 where there are no others. */
function ofOneFamily<T extends {readonly ip: string}>(endpoints: readonly T[]): T[] {
  const [v4 = [], v6 = []] = [4, 6].map(family => endpoints.filter(({ip}) => isIP(ip) === family));
  return v4.length > 0 ? v4 : v6;
}

/**
 * The endpoints of each app's Service, ready or not, in the order of addresses, each once; apps without any are absent.
 * `own` is the namespace of mappings that name none.
 */
export function deriveServices(
  mappings: readonly ServiceMapping[],
  slices: Iterable<ServiceSlice>,
  own: string,
): ReadonlyMap<string, readonly ServiceEndpoint[]> {
  const byService = Map.groupBy(slices, ({namespace, service}) => `${namespace}/${service}`);
  return new Map(
    mappings.flatMap(({app, service, namespace = own}) => {
      const endpoints = new Map<string, ServiceEndpoint>();
      for (const slice of byService.get(`${namespace}/${service}`) ?? []) {
        const [first] = slice.ports;
        const ports = Object.fromEntries(slice.ports.map(({name, port}) => [name, port]));
        for (const endpoint of slice.endpoints) {
          const key = `${endpoint.ip} ${JSON.stringify(ports)}`;
          // It may be in two slices while it moves from one to the other.
          if (endpoints.get(key)?.ready) continue;
          endpoints.set(key, {...endpoint, port: first?.port ?? null, port_name: first?.name ?? '', ports});
        }
      }
      const found = ofOneFamily([...endpoints.values()]);
      found.sort((a, b) => byAddress(a.ip, b.ip) || (a.port ?? 0) - (b.port ?? 0));
      return found.length === 0 ? [] : [[app, found] as const];
    }),
  );
}

/** The ready addresses of each app's Service, in the order of addresses, each once; apps without any are absent. */
export function deriveServiceHosts(
  mappings: readonly ServiceMapping[],
  slices: Iterable<ServiceSlice>,
  own: string,
): ReadonlyMap<string, readonly string[]> {
  const ready = [...slices].map(slice => ({...slice, endpoints: slice.endpoints.filter(one => one.ready)}));
  return new Map(
    [...deriveServices(mappings, ready, own)].map(([app, endpoints]) => [
      app,
      [...new Set(endpoints.map(({ip}) => ip))],
    ]),
  );
}
