import {isIP} from 'node:net';
import type {KeywordRow} from './keyword-row.ts';
import {SERVER_KEYWORDS} from './server-keywords.ts';

/** A `server` line of a backend, read as far as changing it at run time needs. Source: configuration.txt 5. */
export interface ServerLine {
  readonly name: string;
  readonly address: ServerAddress;
  /** The options in effect: those of every `default-server` above it first, then its own. */
  readonly options: readonly string[];
  /** As HAProxy reads it; undefined when that cannot be known. */
  readonly weight: number | undefined;
  readonly disabled: boolean;
  /** Health checks run: `check` without a later `no-check`. */
  readonly checked: boolean;
  /** The options in effect without the ones that can be changed at run time. */
  readonly rest: readonly string[];
}

/**
 * `literal`: an IP; `port` is what was written behind it, `''` when nothing was, and `mapped` (from the client's port)
 * unless it is a number but 0. `other`: a name, a variable, a UNIX socket.
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

export const DEFAULT_WEIGHT = 1;
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
  return {is: 'literal', ip: canonical(ip), family: family === 4 ? 4 : 6, port, mapped: !/^0*[1-9]\d*$/.test(port)};
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

/** Reads the words of a `server` line; `defaults` are those of every `default-server` that holds for it, in order. */
export function parseServerLine(words: readonly string[], defaults: readonly string[]): ServerLine {
  const [, name = '', address = '', ...own] = words;
  const options = defaults.length === 0 ? own : [...defaults, ...own];
  let weight: number | undefined = DEFAULT_WEIGHT;
  let disabled = false;
  let checked = false;
  const rest: string[] = [];
  for (let at = 0; at < options.length; ) {
    const option = options[at] ?? '';
    const end = at + 1 + valuesOf(option);
    if (option === 'disabled' || option === 'enabled') disabled = option === 'disabled';
    else if (option === 'weight') weight = parseWeight(options[at + 1] ?? '');
    else {
      if (option === 'check' || option === 'no-check') checked = option === 'check';
      for (let index = at; index < end && index < options.length; index += 1) rest.push(options[index] ?? '');
    }
    at = end;
  }
  return {name, address: parseServerAddress(address), options, weight, disabled, checked, rest};
}

const ROWS = new Map(SERVER_KEYWORDS.map(row => [row.keyword, row]));

/** The row of an option; undefined when there is none. A type may stand behind it: `set-proxy-v2-tlv-fmt(0x20)`. */
export const findServerRow = (option: string): KeywordRow | undefined =>
  ROWS.get(option) ?? (option.includes('(') ? ROWS.get(option.slice(0, option.indexOf('('))) : undefined);

/** How many words behind an option are its value, so that none of them is taken for an option. */
const valuesOf = (option: string): number => findServerRow(option)?.values ?? 0;

/** The options among words, each with its first value, `''` where it has none. */
export function* readOptions(words: readonly string[]): Generator<readonly [option: string, value: string]> {
  for (let at = 0; at < words.length; ) {
    const option = words[at] ?? '';
    const values = valuesOf(option);
    yield [option, values === 0 ? '' : (words[at + 1] ?? '')];
    at += 1 + values;
  }
}

/** The options among words, without their values. */
export const optionsOf = (words: readonly string[]): string[] => [...readOptions(words)].map(([option]) => option);

const MAX_INT = 2 ** 31 - 1;

/** HAProxy takes the digits that the word begins with, as atol(3) does; a variable may be anything. */
function parseWeight(word: string): number | undefined {
  const weight = Number(/^\s*([+-]?\d+)/.exec(word)?.[1] ?? 0);
  return word.includes('$') || Math.abs(weight) > MAX_INT ? undefined : weight;
}

/** The value of the last `name value` among options. */
export function optionValue(options: readonly string[], name: string): string | undefined {
  // Nearly no server has what is asked for.
  if (!options.includes(name)) return undefined;
  let value: string | undefined;
  for (const [option, own] of readOptions(options)) {
    if (option === name) value = own;
  }
  return value;
}
