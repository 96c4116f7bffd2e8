import {createHash} from 'node:crypto';
import type {Hosts} from './member.ts';

/** Orders `[app, ...]` entries by code unit, the same on every machine. */
const byApp = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/**
 * Groups pods, given in their order, into `Hosts`; the proxy's own app is left out
 * (docs/contract-2017.md#configuration).
 */
export function deriveHosts(pods: Iterable<{readonly app: string; readonly ip: string}>, ownApp: string): Hosts {
  const podsByApp = Map.groupBy(pods, pod => pod.app);
  podsByApp.delete(ownApp);
  return new Map([...podsByApp].sort(byApp).map(([app, members]) => [app, members.map(member => member.ip)]));
}

/** `{"<app>":["<ip>",...]}` without blanks, apps sorted: equal hosts give equal text. */
export const encodeHosts = (hosts: Hosts): string =>
  `{${[...hosts]
    .sort(byApp)
    .map(([app, ips]) => `${JSON.stringify(app)}:${JSON.stringify(ips)}`)
    .join(',')}}`;

/** Adds addresses that ping nobody behind those that do, each once; the same map when there is nothing to add. */
export function mergeHosts(hosts: Hosts, more: Hosts): Hosts {
  if (more.size === 0) return hosts;
  const apps = [...new Set([...hosts.keys(), ...more.keys()])];
  const merged = apps.map(app => [app, [...new Set([...(hosts.get(app) ?? []), ...(more.get(app) ?? [])])]] as const);
  return new Map(merged.sort(byApp));
}

/** The MD5 (hex) of `hosts` as canonical JSON: what `GET /state` and `/status` call the configuration's digest. */
export const digestHosts = (hosts: Hosts): string => createHash('md5').update(encodeHosts(hosts)).digest('hex');
