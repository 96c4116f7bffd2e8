import {isIP} from 'node:net';
import type {EndpointSlice} from './objects.ts';

/** Services whose ready endpoints are hosts too: `web,api=other-name` (app, or app=Service). */
export const SERVICES_ANNOTATION = 'haproxy.unity3d.com/services';

const MAX_SERVICES = 100;

/** A label's value: what a template finds in `hosts`. */
const APP = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
/** A Service's name (RFC 1035 label, or RFC 1123 in newer clusters). */
const SERVICE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

export interface ServiceMapping {
  readonly app: string;
  readonly service: string;
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
    const [app = '', service = app, ...rest] = entry.split('=').map(text => text.trim());
    const isGood = APP.test(app) && SERVICE.test(service) && rest.length === 0;
    if (!isGood || mappings.has(app) || mappings.size >= MAX_SERVICES) refused.push(entry);
    else mappings.set(app, {app, service});
  }
  return {mappings: [...mappings.values()], refused};
}

const byAddress = (a: string, b: string): number => a.localeCompare(b, 'en', {numeric: true});

/**
 * The ready addresses of each app's Service, in the order of addresses, each once; apps without any are absent. A
 * dual-stack Service has its pods in both families: its IPv4 addresses count, and those of IPv6 where there are no others.
 */
export function deriveServiceHosts(
  mappings: readonly ServiceMapping[],
  slices: Iterable<Pick<EndpointSlice, 'service' | 'ready'>>,
): ReadonlyMap<string, readonly string[]> {
  const byService = Map.groupBy(slices, ({service}) => service ?? '');
  return new Map(
    mappings.flatMap(({app, service}) => {
      const all = new Set((byService.get(service) ?? []).flatMap(({ready}) => ready));
      const [v4, v6] = [4, 6].map(family => [...all].filter(address => isIP(address) === family).sort(byAddress));
      const addresses = v4?.length ? v4 : (v6 ?? []);
      return addresses.length === 0 ? [] : [[app, addresses] as const];
    }),
  );
}
