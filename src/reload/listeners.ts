import {isIP} from 'node:net';
import {FAMILIES, type Family} from '../firewall/family.ts';
import {findBindWords, type PlacedBind} from '../proxy/binds.ts';
import {staysShort} from '../proxy/inherited.ts';
import type {SocketAddress} from './bind-only.ts';

/** One TCP address of a configuration that clients connect to; a range of ports is one listener. */
export interface Listener {
  /** `*:80`, `[::1]:443`, `*:8000-8010`. */
  readonly address: string;
  /** Its place in the text, for `replaceBinds`. */
  readonly place: number;
  readonly ports: readonly number[];
  /** What the daemon would bind in HAProxy's stead. */
  readonly sockets: readonly SocketAddress[];
  /** In which connections to it can arrive. */
  readonly families: readonly Family[];
  /** Why it cannot be inherited, or undefined when it can. */
  readonly obstacle: string | undefined;
}

/** These options act on the socket before it is bound, or multiply it (`shards`): HAProxy has to do that itself. */
const OWN_OPTIONS = new Set(['interface', 'transparent', 'namespace', 'shards']);

/** A descriptor for each port: more are not worth it. */
const MAX_RANGE = 64;

/** Section kinds whose sockets clients do not use: peers connect again by themselves, runtime sockets are polled. */
const INNER_SECTIONS = new Set(['global', 'peers']);

type TcpBind = Extract<PlacedBind, {is: 'tcp'}>;

/**
 * The listeners of a text in its order. `bindV6Only` is the kernel's default for IPv6 sockets (net.ipv6.bindv6only),
 * which counts where the line says neither `v4v6` nor `v6only`.
 */
export function deriveListeners(text: string, {bindV6Only}: {readonly bindV6Only: boolean}): Listener[] {
  const listeners: Listener[] = [];
  const taken = new Set<string>();
  for (const bindWord of findBindWords(text)) {
    const binds = bindWord.binds.filter(isClients);
    const growth = binds.reduce((sum, {from, to}) => sum + to - from + 1, 0);
    for (const bind of binds) {
      const sockets = socketsOf(bind, bindV6Only);
      const obstacle =
        obstacleOf(bind) ??
        (staysShort(text, bindWord, growth) ? undefined : 'its line would grow too long') ??
        (sockets.some(socket => taken.has(socketKey(socket))) ? 'another bind has the same address' : undefined);
      for (const socket of sockets) taken.add(socketKey(socket));
      const families = familiesOf(bind, bindV6Only);
      listeners.push({
        address: addressText(bind),
        place: bind.place,
        ports: portsOf(bind),
        sockets,
        families,
        obstacle,
      });
    }
  }
  return listeners;
}

/** Whether what listens on all addresses of IPv6 at a port takes no connections of IPv4, by the text. */
export const isV6OnlyAt = (text: string, port: number, kernel: {readonly bindV6Only: boolean}): boolean =>
  deriveListeners(text, kernel).some(
    ({address, ports, families}) => address.startsWith('[::]:') && ports.includes(port) && !families.includes('ipv4'),
  );

/** The same for two sockets exactly when one can stand for the other. */
export const socketKey = ({host, port, v6only}: SocketAddress): string => `${host} ${port} ${v6only}`;

const isClients = (bind: PlacedBind): bind is TcpBind => bind.is === 'tcp' && !INNER_SECTIONS.has(bind.section.kind);

function obstacleOf({host, family, from, to, options, multipath}: TcpBind): string | undefined {
  const option = options.find(word => OWN_OPTIONS.has(word));
  if (option !== undefined) return `"${option}" is HAProxy's to set`;
  if (multipath) return "multipath TCP is HAProxy's to open";
  if (family === undefined || (host !== '*' && isIP(host) === 0)) return 'its name is resolved by HAProxy';
  return to - from >= MAX_RANGE ? `it is a range of more than ${MAX_RANGE} ports` : undefined;
}

/** Of a name, or of what else is not understood, anything may be expected. */
function familiesOf({host, family, options}: TcpBind, bindV6Only: boolean): readonly Family[] {
  if (family === undefined || (host !== '*' && isIP(host) === 0)) return FAMILIES;
  if (family === 4) return ['ipv4'];
  return isV6Only(options, bindV6Only) ? ['ipv6'] : FAMILIES;
}

const isV6Only = (options: readonly string[], bindV6Only: boolean): boolean =>
  options.includes('v6only') || (bindV6Only && !options.includes('v4v6'));

function socketsOf(bind: TcpBind, bindV6Only: boolean): SocketAddress[] {
  if (obstacleOf(bind) !== undefined) return [];
  const {host, family, options} = bind;
  const any = family === 6 ? '::' : '0.0.0.0';
  const v6only = family === 6 && isV6Only(options, bindV6Only);
  return portsOf(bind).map(port => ({host: host === '*' ? any : host, port, v6only}));
}

const portsOf = ({from, to}: TcpBind): number[] => Array.from({length: to - from + 1}, (_, index) => from + index);

const addressText = ({host, family, from, to}: TcpBind): string => {
  const shown = host === '*' && family === 6 ? '::' : host;
  return `${shown.includes(':') ? `[${shown}]` : shown}:${from === to ? from : `${from}-${to}`}`;
};
