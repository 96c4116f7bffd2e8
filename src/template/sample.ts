import {deriveKey} from '../members/base62.ts';
import type {Hosts} from '../members/member.ts';
import type {Pod} from './input.ts';
import type {AnyNode, Expression} from './jinja/nodes.ts';
import {parseTemplate} from './jinja/statement-parser.ts';
import {normalizeSource} from './jinja/tokenizer.ts';
import {childrenOf} from './jinja/walk.ts';

const PODS_PER_APP = 2;

/** The apps that a template names itself: `hosts.web`, `hosts['web']`, `hosts.get('web')`. Throws as parsing does. */
export function findNamedApps(template: string): string[] {
  const names = new Set<string>();
  const isHosts = (node: Expression): boolean => node.typename === 'Symbol' && node.value === 'hosts';
  const visit = (node: AnyNode): void => {
    if (node.typename === 'Attribute' && isHosts(node.target) && !DICT_METHODS.has(node.name)) names.add(node.name);
    if (node.typename === 'LookupVal' && isHosts(node.target)) addLiteral(node.val);
    if (node.typename === 'FunCall' && node.name.typename === 'Attribute' && isHosts(node.name.target)) {
      const [first] = node.args.args;
      if (node.name.name === 'get' && first !== undefined) addLiteral(first);
    }
    for (const child of childrenOf(node)) visit(child);
  };
  const addLiteral = (node: AnyNode): void => {
    if (node.typename === 'Literal' && typeof node.value === 'string') names.add(node.value);
  };
  for (const statement of parseTemplate(normalizeSource(template))) visit(statement);
  return [...names].sort();
}

const DICT_METHODS = new Set(
  'clear copy get items iteritems iterkeys itervalues keys pop popitem setdefault update values'.split(' '),
);

/** Hosts for a template that is checked without any: two addresses for each app it names, or for `web` and `api`. */
export function sampleHosts(template: string): Hosts {
  const named = findNamedApps(template);
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

/** A host name has no key. */
const keyOf = (ip: string): string => (/^[\d.]+$|:/.test(ip) ? deriveKey(ip) : '');
