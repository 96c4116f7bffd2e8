import {MADE_UP, PLAIN_FUNCTION, SENSITIVE_NAME} from './secret-places.ts';

type Part = readonly [start: number, end: number];

/** `name(`, where an expression can begin. */
const FUNCTION = /(?<=^|[,[{!"'\s=])([A-Za-z][\w.-]*)\(/g;

/** `user:password` before the `@` of an address, which a password may have, too. */
const USER_INFO =
  /(?<=\/\/)(?:[^\s/@:]*:\S{1,256}|[^\s/@]+)(?=@)|(?<=(?:^|@)["']?)[^\s/@:"']+:(?!\/\/)\S{1,256}(?=@)|(?<=^["']?)(?!(?:abnsz?|dgram|fd|ipv[46]|mptcp[46]?|quic[46]|rhttp|ring|sockpair|stream|tcp[46]?|udp[46]?|unix|uxdg|uxst)@)[^\s@:"'[]+(?=@[\w.[\]-]+:\d)/g;

/** A variable with what to take where there is none of its name, in the manner of a shell. */
const DEFAULT_VALUE = /(?<=\$\{\w+[:+=?-]+)[^:+=?-].*(?=\})/g;

const SCHEME =
  /\b(?:bearer|basic|digest|negotiate|token|api-?key|key|pass(?:wd|word|phrase|code)?|pin|pwd?|secret)(?:\\?[ \t]|%20|\\x20)+(.+)/gi;

/** `name=` and `name: `, as in a query, a header or JSON. */
const NAMED = /(?<![\w.-])([\w.-]+)\\?["']?(?:\\?[ \t])*(?:=|:(?!\/\/))(?:\\?[ \t]|[=:])*/g;

/** A parameter of a URL, or another pair; one without a name. */
const PARAMETER = /(?<=(?:^|[?&;,#\s"'])[\w.-]+=)[^\s&%"']+|(?<=[?&#])[^\s&%"'=#]+(?![^\s&%"'#])/g;

/** The quote that a value begins with. */
const QUOTE = /\\?["']/y;

/** A blank; what ends a pair; what begins the next one. */
const VALUE_END = /\s|\\ |[;,](?=\\? |$)|[&;,](?=(?:\\? )*\\?["']?[\w.-]+\\?["']?(?:\\? )*[=:])/g;

/** What comes from no keyboard: letters and digits by turns, for long. */
const RANDOM = /(?<![A-Za-z\d])(?=[A-Za-z\d]{20})\d*(?:[A-Za-z]+\d+){3,}[A-Za-z]*(?![A-Za-z\d])/g;

/** What follows the parenthesis that closes arguments; one that a credential has is followed by the rest of it. */
const CLOSES = /^(?:[\s,\])}"'\\]|$)/;

/** What is hidden inside a word that is shown: arguments, credentials in URLs, values of sensitive names. */
export function findHiddenParts(written: string, isDeclared: (name: string) => boolean): Part[] {
  if (written.includes(')') && closesTooMuch(written)) return [[0, written.length]];
  const found = [...(written.includes('(') ? findArguments(written, isDeclared) : []), ...findCredentials(written)];
  for (const pattern of [DEFAULT_VALUE, RANDOM]) {
    for (const {0: text, index} of written.matchAll(pattern)) found.push([index, index + text.length]);
  }
  return found.filter(([start, end]) => end > start);
}

/** What of any text is a credential: in a URL, behind a scheme, beside a sensitive name. */
export function findCredentials(written: string): Part[] {
  const found = findNamedValues(written);
  for (const {0: text, index} of written.matchAll(USER_INFO)) found.push([index, index + text.length]);
  for (const match of written.matchAll(SCHEME)) {
    found.push([match.index + match[0].length - (match[1]?.length ?? 0), match.index + match[0].length]);
  }
  return found.filter(([start, end]) => end > start);
}

/** Converters whose arguments are text that a request has, or gets. */
const TEXT_FUNCTION = /^(?:field|[lr]trim|regsub|word)$/;

/** What a log format puts something else for. */
const FORMAT_ITEM = /%\d[\da-f]|%(?:\{[^}]*\})?(?:\([^)]*\))?(?:\[(?:\\.|[^\]\\])*\]|[A-Za-z]*)/gi;

const EVERY_KEY = new RegExp(MADE_UP.source, 'gi');

/** As much of a text as one key or one path may be: a key may be a part of a longer credential. */
const KEY_OR_PATH = /[\w$!+~^*./-]+/g;

const keysIn = (text: string, from: number): Part[] =>
  [...text.matchAll(EVERY_KEY), ...[...text.matchAll(KEY_OR_PATH)].filter(([word]) => MADE_UP.test(word))].map(
    ({0: key, index}) => [from + index, from + index + key.length],
  );

/** What looks like a key in the text of a log format. */
export const findKeys = (written: string): Part[] =>
  keysIn(
    written.replace(FORMAT_ITEM, item => ' '.repeat(item.length)),
    0,
  );

function findArguments(written: string, isDeclared: (name: string) => boolean): Part[] {
  const found: Part[] = [];
  const closings = closingsOf(written);
  for (const {0: opening, 1: name = '', index} of written.matchAll(FUNCTION)) {
    const start = index + opening.length;
    const closed = closings.get(start - 1);
    const isClosed = closed !== undefined && CLOSES.test(written.slice(closed + 1));
    const end = isClosed ? closed : written.length;
    const isPlain = PLAIN_FUNCTION.test(name);
    // Closed and gone on with, it is no function, and what looks like its name begins the credential.
    if (closed !== undefined && !isClosed && !isPlain) found.push([index, end]);
    else if (!isClosed || !isPlain || comesFromCredential(written, index)) found.push([start, end]);
    else if (name.startsWith('map')) found.push(...findDefault(written, start, end, isDeclared));
    else if (TEXT_FUNCTION.test(name)) found.push(...keysIn(written.slice(start, end), start));
  }
  return found;
}

/** Where each parenthesis is closed; one that never is, is not in it. */
function closingsOf(text: string): ReadonlyMap<number, number> {
  const closings = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\\') at += 1;
    else if (char === '(') open.push(at);
    else if (char === ')') closings.set(open.pop() ?? at, at);
  }
  return closings;
}

/** Whether arguments end that have not begun: there is no telling where they do. */
function closesTooMuch(written: string): boolean {
  let depth = 0;
  for (const [char] of written.matchAll(/\\.|[()]/g)) {
    if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    if (depth < 0) return true;
  }
  return false;
}

/** Whether the converter at `start` works on a credential: what it compares with or replaces may be one. */
function comesFromCredential(written: string, start: number): boolean {
  if (written.charAt(start - 1) !== ',') return false;
  return SENSITIVE_NAME.test(written.slice(written.lastIndexOf('%[', start) + 1, start));
}

/** What a map gives where it has no entry, but for a backend. */
function findDefault(written: string, start: number, end: number, isDeclared: (name: string) => boolean): Part[] {
  const comma = written.indexOf(',', start);
  if (comma < 0 || comma > end || isDeclared(written.slice(comma + 1, end))) return [];
  return [[comma + 1, end]];
}

function findNamedValues(written: string): Part[] {
  const found: Part[] = [];
  for (const {0: text, 1: name = '', index} of written.matchAll(NAMED)) {
    if (SENSITIVE_NAME.test(name)) found.push(valueAt(written, index + text.length));
  }
  for (const {0: value, index} of written.matchAll(PARAMETER)) {
    // It is one value to whoever reads it, with whatever stands in parentheses in its midst.
    if (MADE_UP.test(value.replace(/[()]/g, ''))) found.push([index, index + value.length]);
  }
  return found;
}

function valueAt(written: string, start: number): Part {
  QUOTE.lastIndex = start;
  const quote = QUOTE.exec(written)?.[0];
  if (quote !== undefined) {
    const closed = written.indexOf(quote, start + quote.length);
    return [start + quote.length, closed < 0 ? written.length : closed];
  }
  VALUE_END.lastIndex = start;
  const value = written.slice(start, VALUE_END.exec(written)?.index);
  const closing = /\\?["'\])}]*$/.exec(value)?.[0] ?? '';
  return [start, start + Math.min(value.length - closing.length, argumentEnd(value))];
}

/** Where the arguments end that a value is one of: at a parenthesis that it has not opened itself. */
function argumentEnd(value: string): number {
  let depth = 0;
  for (const {0: char, index} of value.matchAll(/[()]/g)) {
    depth += char === '(' ? 1 : -1;
    if (depth < 0 && CLOSES.test(value.slice(index + 1))) return index;
  }
  return value.length;
}
