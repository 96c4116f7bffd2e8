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
      /** `mptcp@`: sockets of multipath TCP. */
      readonly multipath?: true;
    }
  | {readonly is: 'unix'; readonly path: string}
  /** As written, `abns@name` or `abnsz@name`, which are two; a variable that is not known may stand in it. */
  | {readonly is: 'abstract'; readonly address: string}
  | {readonly is: 'fd'; readonly fd: number}
  /** Neither TCP nor a UNIX stream: `udp@`, `quic4@`, `sockpair@`. */
  | {readonly is: 'other'; readonly text: string}
  /** The text does not say: an unknown variable, or an address that HAProxy would refuse. */
  | {readonly is: 'unresolved'; readonly text: string};

type Family = 4 | 6 | undefined;

const MAX_PORT = 65_535;
const STREAM = /^stream\+/;
const PREFIXED = /^([a-z+]+\d?)@(.*)$/s;
const OTHER_TYPE = /^(?:dgram|quic)\+/;
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

type TcpAddress = Extract<Address, {is: 'tcp'}>;

function parseTcp(text: string, wanted: Family): TcpAddress | undefined {
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
  const typed = text.replace(STREAM, '');
  const [, prefix = '', rest = typed] = PREFIXED.exec(typed) ?? [];
  if (prefix === 'abns' || prefix === 'abnsz') return {is: 'abstract', address: typed};
  if (text.includes('$')) return unresolved;
  if (OTHER_TYPE.test(text)) return {is: 'other', text};
  const multipath = (tcp: TcpAddress | undefined): Address =>
    tcp === undefined ? unresolved : {...tcp, multipath: true};
  switch (prefix) {
    case '':
      return typed.startsWith('/') ? {is: 'unix', path: typed} : (parseTcp(typed, undefined) ?? unresolved);
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
    case 'mptcp':
      return multipath(parseTcp(rest, undefined));
    case 'mptcp4':
      return multipath(parseTcp(rest, 4));
    case 'mptcp6':
      return multipath(parseTcp(rest, 6));
    case 'fd':
      return /^\d+$/.test(rest) ? {is: 'fd', fd: Number(rest)} : unresolved;
    default:
      return {is: 'other', text};
  }
}
