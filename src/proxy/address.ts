import {isIP} from 'node:net';

/**
 * One address of a `bind` line. `host` is `*` for all addresses of the family, else an IP without brackets or a name
 * that HAProxy resolves when it starts (`family` is then undefined unless a prefix gave it). Ports are `from..to`.
 */
export type Address =
  | {
      readonly is: 'tcp';
      readonly host: string;
      readonly family: 4 | 6 | undefined;
      readonly from: number;
      readonly to: number;
    }
  | {readonly is: 'unix'; readonly path: string}
  | {readonly is: 'abstract'; readonly name: string}
  | {readonly is: 'fd'; readonly fd: number}
  /** Neither TCP nor a UNIX stream: `udp@`, `quic4@`, `sockpair@`. */
  | {readonly is: 'other'; readonly text: string}
  /** The text does not say: an unknown variable, or an address that HAProxy would refuse. */
  | {readonly is: 'unresolved'; readonly text: string};

type Family = 4 | 6 | undefined;

const MAX_PORT = 65_535;
const PREFIXED = /^(?:stream\+)?([a-z+]+\d?)@(.*)$/s;
// As with atoi(), digits count and what follows them does not: HAProxy listens on 80 for ":80x".
const PORTS = /^(\d+)[^-]*(?:-(\d*))?/;
const HOST_NAME = /^[\w.-]+$/;
const WILDCARDS: Readonly<Record<string, 4 | 6>> = {'0.0.0.0': 4, '::': 6};

function parseHost(text: string, wanted: Family): {host: string; family: Family} | undefined {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (bare === '' || bare === '*') return {host: '*', family: wanted ?? 4};
  const version = isIP(bare);
  if (version === 4 || version === 6) {
    if (wanted !== undefined && wanted !== version) return undefined;
    return {host: bare in WILDCARDS ? '*' : bare, family: version};
  }
  return HOST_NAME.test(bare) ? {host: bare, family: wanted} : undefined;
}

function parseTcp(text: string, wanted: Family): Extract<Address, {is: 'tcp'}> | undefined {
  const colon = text.lastIndexOf(':');
  const ports = PORTS.exec(text.slice(colon + 1));
  const host = parseHost(text.slice(0, Math.max(0, colon)), wanted);
  if (colon < 0 || ports === null || host === undefined) return undefined;
  const from = Number(ports[1]);
  const to = Number(ports[2] ?? from);
  return from >= 1 && from <= to && to <= MAX_PORT ? {is: 'tcp', ...host, from, to} : undefined;
}

/** Parses one address as str2sa_range() of HAProxy does for `bind` (configuration.txt, "bind" and section 11). */
export function parseAddress(text: string): Address {
  const unresolved: Address = {is: 'unresolved', text};
  if (text.includes('$')) return unresolved;
  const [, prefix = '', rest = text] = PREFIXED.exec(text) ?? [];
  switch (prefix) {
    case '':
      return text.startsWith('/') ? {is: 'unix', path: text} : (parseTcp(text, undefined) ?? unresolved);
    case 'ip':
    case 'tcp':
      return parseTcp(rest, undefined) ?? unresolved;
    case 'ipv4':
    case 'tcp4':
      return parseTcp(rest, 4) ?? unresolved;
    case 'ipv6':
    case 'tcp6':
      return parseTcp(rest, 6) ?? unresolved;
    case 'unix':
    case 'uxst':
      return {is: 'unix', path: rest};
    case 'abns':
      return {is: 'abstract', name: rest};
    case 'fd':
      return /^\d+$/.test(rest) ? {is: 'fd', fd: Number(rest)} : unresolved;
    default:
      return {is: 'other', text};
  }
}
