import {BACKEND_KEYWORDS, keywordOf} from './backend-keywords.ts';
import {type ChangeKind, findException} from './keyword-row.ts';
import type {Backend, Words} from './outline.ts';
import type {Release} from './version.ts';

/** What holds for all servers of a backend, as far as changes at run time ask for it; the last line that says so wins. */
export interface BackendRules {
  /** The algorithm, with its arguments: `hash`, `uri`, `random(2)`; HAProxy's default where none is set. */
  readonly balance: string;
  readonly hashType: Words;
  readonly mode: string;
  /** HAProxy closes the connection to a server after each response. */
  readonly closes: boolean;
  readonly hasSource: boolean;
  /** The last line of each keyword, which may say `no` to it. */
  readonly keywords: ReadonlyMap<string, Words>;
}

const ROWS = new Map(BACKEND_KEYWORDS.map(row => [row.keyword, row]));

/** Each of these says anew whether connections to servers are kept, and the last one holds. */
const CLOSING: Readonly<Record<string, boolean>> = {
  'option httpclose': true,
  'option forceclose': true,
  'option http-server-close': true,
  'option http-keep-alive': false,
  'option http-tunnel': false,
};

export function readRules({inherited, own}: Backend): BackendRules {
  let balance = 'roundrobin';
  let hashType: Words = [];
  let mode = 'tcp';
  let closes = false;
  const keywords = new Map<string, Words>();
  for (const lines of [inherited, own]) {
    for (const line of lines) {
      const keyword = keywordOf(line);
      const value = line[1] ?? '';
      if (keyword === 'balance') balance = value;
      if (keyword === 'mode') mode = value;
      if (keyword === 'hash-type') hashType = line.slice(1);
      const closing = CLOSING[keyword];
      if (closing !== undefined) closes = closing && line[0] !== 'no';
      keywords.set(keyword, line);
    }
  }
  return {
    balance,
    hashType,
    mode,
    closes,
    hasSource: keywords.has('source'),
    keywords,
  };
}

/** Why a change of this kind to servers of this backend must be a reload, whichever server it is. */
export function findRuleDoubt(rules: BackendRules, kind: ChangeKind, release: Release): string | undefined {
  for (const [keyword, line] of rules.keywords) {
    const row = ROWS.get(keyword);
    if (row === undefined) return `"${keyword}" is not known to be safe with changes at run time`;
    if (line[0] === 'no') continue;
    for (const one of [row, ...line.flatMap(word => ROWS.get(`${keyword} ${word}`) ?? [])]) {
      const why = findException(one, kind, release);
      if (why !== undefined) return `"${one.keyword}": ${why}`;
    }
  }
  if (rules.mode !== 'tcp' && rules.mode !== 'http')
    return `"mode ${rules.mode}" is not known to be safe with changes at run time`;
  return findBalanceDoubt(rules, kind, release) ?? findTableDoubt(rules, kind);
}

const PERSISTING = ['option persist', 'force-persist'];

/** Stick tables know clients of a server that goes out; those of a start know nobody. */
function findTableDoubt({keywords}: BackendRules, kind: ChangeKind): string | undefined {
  if (kind !== 'disable' || !keywords.has('stick')) return undefined;
  const keyword = PERSISTING.find(one => (keywords.get(one)?.[0] ?? 'no') !== 'no');
  return keyword === undefined
    ? undefined
    : `"${keyword}": clients that a stick table knows would still be sent to a server that is out`;
}

/** Servers come and go without changing which client goes where. */
const NAME_BLIND = /^(roundrobin|leastconn|random(\(.*\))?)$/;
const WEIGHS = /^(roundrobin|leastconn|first)$/;
const HASHES = new Set(['source', 'uri', 'url_param', 'hdr', 'rdp-cookie', 'hash']);
const OTHERS = new Set(['static-rr', 'first']);

const isHash = (balance: string): boolean => HASHES.has(balance.replace(/\(.*$/, ''));

/** It does not matter which servers there are, nor in which order. */
export const isNameBlind = ({balance}: BackendRules): boolean => NAME_BLIND.test(balance);

/** Before, a consistent hash gave a server no more places than its first weight did. */
const REWEIGHS_HASHES: Release = 2.6;

/** Before, servers that come had the same places as each other, and half of them no request. */
const PLACES_RANDOM: Release = 3.0;

const isRandom = ({balance}: BackendRules): boolean => balance.startsWith('random');

/** `random` draws a place among those of a consistent hash. */
const takesWeights = (rules: BackendRules, release: Release): boolean =>
  isRandom(rules) || (isHash(rules.balance) && rules.hashType[0] === 'consistent')
    ? release >= REWEIGHS_HASHES
    : WEIGHS.test(rules.balance);

function findBalanceDoubt(rules: BackendRules, kind: ChangeKind, release: Release): string | undefined {
  const {balance} = rules;
  if (!isNameBlind(rules) && !isHash(balance) && !OTHERS.has(balance)) {
    return `"balance ${balance}" is not known to be safe with changes at run time`;
  }
  if ((kind === 'add' || kind === 'remove') && !isNameBlind(rules)) {
    return `balance ${balance} depends on which servers there are, in order`;
  }
  if (kind === 'add' && isRandom(rules) && release < PLACES_RANDOM)
    return `before HAProxy 3.0 servers that come do not get their share under balance ${balance}`;
  return kind === 'weigh' && !takesWeights(rules, release)
    ? `balance ${balance} takes no new weights at run time`
    : undefined;
}

/**
 * A connection that carries a request while its server moves stays open to the former address, and later requests of
 * the same client (or of all, with `http-reuse`) use it; measured on 1.7 to 3.5. A reload ends it with that response.
 */
export function findConnectionDoubt({mode, closes}: BackendRules): string | undefined {
  if (mode !== 'http' || closes) return undefined;
  return 'keep-alive connections to the former address may go on to be used ("option http-server-close" closes them)';
}
