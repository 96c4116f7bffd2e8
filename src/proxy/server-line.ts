import {isIP} from 'node:net';
import type {Line} from './lines.ts';

/** A `server` line of a backend, read as far as changing it at run time needs. Source: configuration.txt 5. */
export interface ServerLine {
  readonly name: string;
  readonly address: ServerAddress;
  /** The options in effect: those of every `default-server` above it first, then its own. */
  readonly options: readonly string[];
  readonly weight: number;
  readonly disabled: boolean;
  /** The options in effect without the ones that can be changed at run time. */
  readonly rest: readonly string[];
}

/**
 * `literal`: an IP; `port` is what was written behind it, `''` when nothing was, and `mapped` (from the client's port)
 * unless it is a plain number. `other`: a name, a variable, a UNIX socket.
 */
export type ServerAddress =
  | {
      readonly is: 'literal';
      readonly ip: string;
      readonly family: 4 | 6;
      readonly port: string;
      readonly mapped: boolean;
    }
  | {readonly is: 'other'; readonly text: string};

const DEFAULT_WEIGHT = 1;
const WITH_PORT = /^(?:(ipv[46]|tcp[46]?|ip)@)?(.*?)(?::([+-]?\d+)?)?$/s;
const PREFIX_FAMILY: Readonly<Record<string, number>> = {ipv4: 4, tcp4: 4, ipv6: 6, tcp6: 6};

/** The one spelling of an IPv6 literal, as `show servers state` and we compare it. */
const canonical = (ip: string): string => (isIP(ip) === 6 ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip);

export function parseServerAddress(text: string): ServerAddress {
  const other: ServerAddress = {is: 'other', text};
  const [, prefix, written = '', port = ''] = WITH_PORT.exec(text) ?? [];
  // As HAProxy does: what follows the last colon is the port, so that "::1" alone is ":" with port 1.
  const ip = /^\[(.*)\]$/.exec(written)?.[1] ?? written;
  const family = isIP(ip);
  if (family === 0 || ip.includes('%') || (prefix !== undefined && family !== (PREFIX_FAMILY[prefix] ?? family))) {
    return other;
  }
  return {is: 'literal', ip: canonical(ip), family: family === 4 ? 4 : 6, port, mapped: !/^\d+$/.test(port)};
}

/** Whether two texts of an address mean one IP. */
export const isSameIp = (a: string, b: string): boolean => isIP(a) !== 0 && canonical(a) === canonical(b);

export const areSameWords = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((word, index) => word === b[index]);

export const isSameAddress = (a: ServerAddress, b: ServerAddress): boolean =>
  a.is === 'literal' ? b.is === 'literal' && a.ip === b.ip && a.port === b.port : b.is === 'other' && a.text === b.text;

/** Options say all else that there is to know of a server. */
export const isSameServer = (a: ServerLine, b: ServerLine): boolean =>
  a.name === b.name && isSameAddress(a.address, b.address) && areSameWords(a.options, b.options);

/** Reads a `server` line; `defaults` are the words of every `default-server` that holds for it, in order. */
export function parseServerLine({words}: Line, defaults: readonly string[]): ServerLine {
  const [, name = '', address = '', ...own] = words.map(word => word.text);
  const options = [...defaults, ...own];
  return {
    name,
    address: parseServerAddress(address),
    options,
    weight: Number(optionValue(options, 'weight') ?? DEFAULT_WEIGHT),
    disabled: options.lastIndexOf('disabled') > options.lastIndexOf('enabled'),
    rest: options.filter(
      (word, index) => !(CHANGEABLE_FLAGS.has(word) || word === 'weight' || options[index - 1] === 'weight'),
    ),
  };
}

const CHANGEABLE_FLAGS = new Set(['disabled', 'enabled']);

/** The value of the last `name value` among options. */
export const optionValue = (options: readonly string[], name: string): string | undefined => {
  const index = options.lastIndexOf(name);
  return index < 0 ? undefined : options[index + 1];
};

/** Health checks run: `check` without a later `no-check`. */
export const isChecked = ({options}: ServerLine): boolean =>
  options.lastIndexOf('check') > options.lastIndexOf('no-check');
