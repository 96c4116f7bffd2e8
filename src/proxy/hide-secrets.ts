import {createCutFinder} from './cut-secrets.ts';
import {
  ACTIONS,
  BIND_OPTIONS,
  COOKIE_OPTIONS,
  LINES,
  PLAIN_CRITERION,
  PLAIN_FUNCTION,
  REPLY_OPTIONS,
  SEND_OPTIONS,
  SERVER_OPTIONS,
  USER_OPTIONS,
} from './secret-places.ts';

/** What stands for a secret. */
export const MASK = '***';

const KNOWN_WORDS = new Set([
  ...`${LINES} ${ACTIONS}`.split(/[\s|]+/),
  ...[BIND_OPTIONS, COOKIE_OPTIONS, SERVER_OPTIONS, REPLY_OPTIONS, SEND_OPTIONS, USER_OPTIONS].flatMap(options =>
    Object.values(options).flatMap(words => words.split(/\s+/)),
  ),
]);
const ALGORITHM = /^(?:aes|crc|e[cs]|hmac|hs|md|ps|rs|rsa|sha)-?\d+$/i;
const isKnownWord = (text: string): boolean =>
  KNOWN_WORDS.has(text) || [PLAIN_CRITERION, PLAIN_FUNCTION, ALGORITHM].some(known => known.test(text));

/** A number, an address, a time, a path: no credential, or a bad one. */
const PLAIN_VALUE = /^(?:[\d.:]{1,15}[a-z]{0,2}|\/[\w./-]*|\$\{?\w+\}?|\W+)$/i;

/** HAProxy may name a part of what it read, and quote it as it was written. */
export const SEPARATORS = /[\s"'\\:;,=()&?@/%#]+/;

/** What HAProxy quotes with its value in place of it. */
const GIVEN_LATER = /\$\{[^{}]*\}|\$\w+|%\[[^\]]*\]/;

const SHORTEST_SURE = 3;
const SHORTEST = 6;
/** From this length on, a value is replaced inside of longer words as well. */
const LONG = 8;

/** No ordinary word: with digits among its letters, `likeThis`, or with what no name has. */
const UNUSUAL = /[a-z]\d|\d[a-z]|[^\w.-]/i;
const isUnusual = (value: string): boolean => UNUSUAL.test(value) || /[a-z][A-Z]/.test(value);

/** What else the text says with a word. */
export interface Elsewhere {
  /** It is the name of a section, an ACL or a server. */
  isDeclared(word: string): boolean;
  /** It stands where it may be seen. */
  isShown(word: string): boolean;
}

/**
 * The secrets among values that a text hides. What is `sure` is a credential, the rest may be the port or the path that
 * it looks like, or a word of every day. Shorter than three characters none is: too much else would go.
 */
export function secretsAmong(
  hidden: Iterable<{readonly values: readonly string[]; readonly sure: boolean}>,
  {isDeclared, isShown}: Elsewhere,
): ReadonlySet<string> {
  const mayBeSecret = (value: string): boolean =>
    value.length >= SHORTEST && !PLAIN_VALUE.test(value) && !isDeclared(value) && (isUnusual(value) || !isShown(value));
  const secrets = new Set<string>();
  for (const {values, sure} of hidden) {
    for (const value of values.flatMap(whole => [whole, ...whole.split(SEPARATORS), ...whole.split(GIVEN_LATER)])) {
      if (secrets.has(value) || value.includes(MASK) || isKnownWord(value)) continue;
      if (sure ? value.length >= SHORTEST_SURE : mayBeSecret(value)) secrets.add(value);
    }
  }
  return secrets;
}

/** The values by how they begin, and of those by their length: a look at each place of a text finds them. */
type Beginnings = ReadonlyMap<string, ReadonlyMap<number, ReadonlySet<string>>>;

/** The characters that values begin with: nearly every place of a text is none of theirs. */
const firstOf = (beginnings: Beginnings): ReadonlySet<number> =>
  new Set([...beginnings.keys()].map(beginning => beginning.charCodeAt(0)));

function beginningsOf(values: Iterable<string>): Beginnings {
  const byBeginning = Map.groupBy(values, value => value.slice(0, SHORTEST_SURE));
  return new Map(
    [...byBeginning].map(([beginning, found]) => {
      const byLength = [...Map.groupBy(found, ({length}) => length)].sort(([one], [other]) => other - one);
      return [beginning, new Map(byLength.map(([length, same]) => [length, new Set(same)]))];
    }),
  );
}

const ALPHANUMERIC = /[\p{L}\p{N}]/u;

/** Whether a value stands at a place as a word of its own. Long ones count inside of other words, too. */
const isAlone = (text: string, start: number, end: number): boolean =>
  end - start >= LONG || !(ALPHANUMERIC.test(text.charAt(start - 1)) || ALPHANUMERIC.test(text.charAt(end)));

/** Replaces secrets wherever a text has them, also as JSON writes them. */
export const hideSecrets = (text: string, secrets: ReadonlySet<string>): string => createWholeHider(secrets)(text);

/** HAProxy quotes a line with `?` for each byte that is not ASCII. */
const quoted = (value: string): string =>
  value.replace(/[^ -~]/gu, char => '?'.repeat(new TextEncoder().encode(char).length));

/** A secret as it is, as HAProxy quotes it, and both as JSON writes them. */
const waysToWrite = (secrets: ReadonlySet<string>): ReadonlySet<string> => {
  const written = [...secrets].flatMap(value => [value, quoted(value)]);
  return new Set(written.flatMap(value => [value, JSON.stringify(value).slice(1, -1)]));
};

/** For many texts of what is said: parts of secrets go as well, where HAProxy has cut a line that it quotes. */
export function createHider(secrets: ReadonlySet<string>): (said: string) => string {
  const hide = createWholeHider(secrets);
  const findCut = createCutFinder(waysToWrite(secrets));
  return said => {
    let shown = '';
    let from = 0;
    for (const [start, end] of findCut(said).toSorted(([one], [other]) => one - other)) {
      if (start >= from) shown += said.slice(from, start) + MASK;
      from = Math.max(from, end);
    }
    return hide(shown + said.slice(from));
  };
}

function createWholeHider(secrets: ReadonlySet<string>): (text: string) => string {
  const beginnings = beginningsOf(waysToWrite(secrets));
  const first = firstOf(beginnings);
  return text => {
    let hidden = '';
    let from = 0;
    for (let at = 0; first.size > 0 && at < text.length; at += 1) {
      if (!first.has(text.charCodeAt(at))) continue;
      for (const [length, values] of beginnings.get(text.slice(at, at + SHORTEST_SURE)) ?? []) {
        if (!values.has(text.slice(at, at + length)) || !isAlone(text, at, at + length)) continue;
        // Two secrets may overlap: both are gone, behind one mask.
        if (at >= from) hidden += text.slice(from, at) + MASK;
        from = Math.max(from, at + length);
        break;
      }
    }
    return hidden + text.slice(from);
  };
}
