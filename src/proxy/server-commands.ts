import type {Row} from './answers.ts';
import type {ServerChange} from './difference.ts';
import {DEFAULT_WEIGHT, isSameIp, optionsOf, optionValue, type ServerLine} from './server-line.ts';

/**
 * The commands that make one change, in order; sent on one line (`;`) HAProxy carries them out in one go. A checked
 * server that moves leaves maintenance afterwards, which begins its checks afresh with the first one at once, as a start
 * would; the only server of a backend is not taken out for that, but set up. Checks that somebody stopped by hand run
 * again, as after a start. Source: management.txt 9.3.
 */
export function deriveCommands(change: ServerChange): string[] {
  const line = change.do === 'remove' ? change.before : change.after;
  const target = `${change.backend}/${line.name}`;
  switch (change.do) {
    case 'move':
      return deriveMove(target, change);
    case 'weigh':
      return [`set server ${target} weight ${line.weight}`];
    case 'enable':
      return [...deriveChecks(target, line), `set server ${target} state ready`];
    case 'disable':
      return [`set server ${target} state maint`];
    case 'add':
      return deriveAdd(target, line);
    case 'remove':
      return [`set server ${target} state maint`, deriveDelete(change.backend, line.name)];
  }
}

/** Refused while the server has connections: it drains in maintenance until then. */
export const deriveDelete = (backend: string, server: string): string => `del server ${backend}/${server}`;

function deriveMove(target: string, {before, after, alone}: ServerChange & {do: 'move'}): string[] {
  const [from, to] = [before.address, after.address];
  if (from.is === 'other' || to.is === 'other') return [];
  const move = `set server ${target} addr ${to.ip}${from.port === to.port ? '' : ` port ${to.port}`}`;
  if (!after.checked || before.disabled || after.disabled) return [move];
  const checks = deriveChecks(target, after);
  if (alone) return [move, ...checks, `set server ${target} health up`];
  return [`set server ${target} state maint`, move, ...checks, `set server ${target} state ready`];
}

const deriveChecks = (target: string, {checked}: ServerLine): string[] => (checked ? [`enable health ${target}`] : []);

function deriveAdd(target: string, server: ServerLine): string[] {
  const {address, disabled, rest, weight} = server;
  if (address.is === 'other') return [];
  const host = address.family === 6 ? `[${address.ip}]` : address.ip;
  const words = [
    ...rest,
    ...(weight === DEFAULT_WEIGHT ? [] : ['weight', String(weight)]),
    ...inheritedChecks(server),
    ...startingValues(server),
  ];
  const add = ['add server', target, `${host}:${address.port}`, ...words].join(' ');
  const checks = deriveChecks(target, server);
  if (!disabled) return [add, ...checks, `set server ${target} state ready`];
  return [add, ...(checks.length === 0 ? [] : [...checks, ...derivePause(target)])];
}

/** HAProxy pauses the checks of a server that goes into maintenance, but not of one that was added there. */
const derivePause = (target: string): string[] => [
  `set server ${target} state drain`,
  `set server ${target} state maint`,
];

/** The words that `add server help` lists (3.2+), one a line under a heading. */
export const parseAddWords = (answer: string): ReadonlySet<string> =>
  new Set(answer.split('\n').filter(line => /^[\w-]+$/.test(line)));

const SENDS_PROXY = new Set(['send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl', 'send-proxy-v2-ssl-cn']);

/**
 * At a start, checks without a port or an address of their own are made as requests are, over TLS and with the PROXY
 * protocol; those of an added server only if it says so. Source: init_srv_check in HAProxy's check.c.
 */
function inheritedChecks(server: ServerLine): string[] {
  const options = new Set(optionsOf(server.rest));
  if (!options.has('check') || options.has('port') || options.has('addr')) return [];
  return [
    ...(options.has('ssl') && !options.has('check-ssl') ? ['check-ssl'] : []),
    ...([...SENDS_PROXY].some(option => options.has(option)) && !options.has('check-send-proxy')
      ? ['check-send-proxy']
      : []),
  ];
}

/**
 * What a start makes of options that are absent, and "add server" of earlier 2.6 to 2.9 leaves at nought: such a server
 * would keep no connection open between requests, would be observed in vain, or would serve nobody at all. Source:
 * srv_settings_init and srv_minmax_conn_apply in HAProxy's server.c.
 */
function startingValues({rest}: ServerLine): string[] {
  const options = new Set(optionsOf(rest));
  const maxconn = options.has('minconn') ? undefined : optionValue(rest, 'maxconn');
  const absent = (option: string, value: string) => (options.has(option) ? [] : [option, value]);
  return [
    ...absent('pool-max-conn', '-1'),
    ...absent('pool-purge-delay', '5s'),
    ...(options.has('observe') ? [...absent('error-limit', '10'), ...absent('on-error', 'fail-check')] : []),
    ...(maxconn === undefined ? [] : ['minconn', maxconn]),
  ];
}

/** SRV_ADMF_FMAINT: forced into maintenance, over the socket or by `disabled`; the bit 4 only remembers a `disabled`. */
const MAINTENANCE_BITS = 0b101;
const FORCED_MAINTENANCE_BIT = 0b001;

/** How a server stands, from `show servers state` and, for versions whose answer has no port, `show stat`. */
export interface ServerStanding {
  readonly state: Row | undefined;
  /** `addr` of `show stat`: `10.0.0.1:80`, `[::1]:80`. */
  readonly statAddress: string | undefined;
}

/** Why a server does not stand as it shall after a change; undefined when it does, as far as HAProxy tells. */
export function findDeviation(change: ServerChange, {state, statAddress}: ServerStanding): string | undefined {
  const line = change.do === 'remove' ? change.before : change.after;
  const target = `${change.backend}/${line.name}`;
  const inMaintenance = (Number(state?.srv_admin_state) & FORCED_MAINTENANCE_BIT) !== 0;
  if (change.do === 'remove') {
    return state === undefined || inMaintenance ? undefined : `${target} still takes requests`;
  }
  if (state === undefined) return `there is no ${target}`;
  const {address} = line;
  if (address.is === 'literal') {
    if (!isSameIp(state.srv_addr ?? '', address.ip)) return `${target} is at ${state.srv_addr}, not ${address.ip}`;
    const port = state.srv_port ?? /:(\d+)$/.exec(statAddress ?? '')?.[1];
    if (!address.mapped && port !== undefined && port !== String(Number(address.port))) {
      return `${target} is at port ${port}, not ${address.port}`;
    }
  }
  if (state.srv_uweight !== String(line.weight)) return `${target} has weight ${state.srv_uweight}, not ${line.weight}`;
  const isOut = change.do === 'enable' || !line.disabled ? inMaintenance : !isDisabledIn(state);
  return isOut ? `${target} is ${line.disabled ? 'not ' : ''}in maintenance` : undefined;
}

const isDisabledIn = (state: Row): boolean => (Number(state.srv_admin_state) & MAINTENANCE_BITS) !== 0;
