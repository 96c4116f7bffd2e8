import {canonicalIp} from './address.ts';
import type {Hosts} from './member.ts';

/** What a text is as a hosts map: none at all, one, or one that cannot be used. */
export type ParsedHosts =
  | {readonly is: 'none'}
  | {readonly is: 'hosts'; readonly hosts: Hosts}
  | {readonly is: 'fault'; readonly reason: string};

/** As the label value it is. */
const APP = /^(?=.{1,63}$)[0-9A-Za-z]([0-9A-Za-z._-]*[0-9A-Za-z])?$/;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/**
 * Reads `{"<app>": ["<ip>", ...]}` as it came from a person or a script. An object that holds nothing but lists claims
 * to be one, and must then be all right; any other text is none.
 */
export function parseHosts(text: string): ParsedHosts {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {is: 'none'};
  const entries: [string, unknown][] = Object.entries(value);
  if (!entries.every(([, list]) => Array.isArray(list))) return {is: 'none'};
  const hosts = new Map<string, readonly string[]>();
  for (const [app, list] of entries) {
    if (!APP.test(app)) return {is: 'fault', reason: `app ${JSON.stringify(app)} is not a label value`};
    const ips = (list as unknown[]).map(ip => (typeof ip === 'string' ? canonicalIp(ip) : undefined));
    const wrong = ips.indexOf(undefined);
    if (wrong !== -1) {
      return {is: 'fault', reason: `${JSON.stringify((list as unknown[])[wrong])} of ${app} is not an IP address`};
    }
    if (ips.length > 0) hosts.set(app, ips as string[]);
  }
  return {is: 'hosts', hosts};
}
