import {deriveKey} from '../members/base62.ts';
import type {Hosts} from '../members/member.ts';
import type {Pod, TemplateVariables} from './input.ts';
import {findNamedKeys} from './named-keys.ts';

const PODS_PER_APP = 2;

/**
 * Hosts for a template that is checked without any: two addresses for each of the given apps, or of those that it
 * names, or of `web` and `api`. Throws as parsing does.
 */
export function sampleHosts(template: string, given?: readonly string[]): Hosts {
  const named = given ?? [...new Set(findNamedKeys(template, 'hosts').map(({name}) => name))].sort();
  const apps = named.length > 0 ? named : ['api', 'web'];
  return new Map(
    apps.map((app, index) => [
      app,
      Array.from({length: PODS_PER_APP}, (_, pod) => `192.0.2.${1 + index * PODS_PER_APP + pod}`),
    ]),
  );
}

/** `pods` as they would be behind these hosts. */
export const podsOf = (hosts: Hosts): Pod[] =>
  [...hosts]
    .flatMap(([app, ips]) => ips.map((ip, index) => ({app, ip, id: `${app}-${index + 1}`})))
    .map((pod, index) => ({...pod, key: keyOf(pod.ip), role: '', seq: index + 1, payload: ''}));

/** Endpoints of Services that a template names, as a check may have them: ready ones, with a port. Throws as parsing does. */
export function sampleServices(template: string): TemplateVariables['services'] {
  const apps = [...new Set(findNamedKeys(template, 'services').map(({name}) => name))].sort();
  return new Map(
    apps.map((app, index) => [
      app,
      Array.from({length: PODS_PER_APP}, (_, pod) => ({
        ip: `198.51.100.${1 + index * PODS_PER_APP + pod}`,
        port: 8080,
        port_name: 'http',
        ports: {http: 8080},
        zone: 'zone-a',
        node: 'node-1',
        pod: `${app}-${pod + 1}`,
        ready: true,
        serving: true,
        terminating: false,
      })),
    ]),
  );
}

/** A host name has no key. */
const keyOf = (ip: string): string => (/^[\d.]+$|:/.test(ip) ? deriveKey(ip) : '');
