import {hideSecrets, MASK, SEPARATORS, secretsAmong} from './hide-secrets.ts';
import {LINES, PLAIN_FUNCTION, SENSITIVE_NAME, TELLING} from './secret-places.ts';
import {type Fate, isKeyword, readLine} from './word-fates.ts';
import {readWords, type Word} from './words.ts';

/*
 * INVARIANTS
 * - What is shown was understood: a word is hidden unless a row, a reading or a list says that it may be seen.
 * - Hidden once is hidden everywhere: a value that is a secret in one place is replaced in the whole text.
 * - Lines stay lines: a text and what is shown of it have as many, in the same order.
 */

/**
 * A part of the text that is hidden, and what HAProxy would read there. What is `sure` is a credential; the rest may be
 * the port or the path that it looks like.
 */
interface Hidden {
  readonly start: number;
  readonly end: number;
  readonly values: readonly string[];
  readonly sure: boolean;
}

/** `name(`, where an expression can begin. */
const FUNCTION = /(?<=^|[,[{!"'\s=])([A-Za-z][\w.-]*)\(/g;
const USER_INFO =
  /(?<=\/\/)(?:[^\s/@]+|[^\s/@:]+:[^\s@]{1,256})(?=@)|(?<=^["']?)[^\s/@:"']+:(?!\/\/)[^\s@]{1,256}(?=@)/g;
/** A variable with what to take where there is none of its name, in the manner of a shell. */
const DEFAULT_VALUE = /(?<=\$\{\w+[:+=?-]+)[^}:+=?-][^}]*/g;
const SCHEME = /\b(?:bearer|basic|digest|negotiate|token|api-?key|key|passw(?:or)?d|secret)(?:\\? |%20|\\x20)+(.+)/gi;
const NAMED_VALUE = /(?<![\w.-])([\w.-]+)\\?["']?(?:=|:(?:\\? )*)\\?["']?(?=((?:\([^\s()]*\)|[^\s&;,"'}\])\\])+))/g;

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

/** What is hidden inside a word that is shown: arguments, credentials in URLs, values of sensitive names. */
function hiddenIn(written: string): [start: number, end: number][] {
  const found: [number, number][] = [];
  const closings = written.includes('(') ? closingsOf(written) : undefined;
  for (const {0: opening, 1: name = '', index} of closings === undefined ? [] : written.matchAll(FUNCTION)) {
    const start = index + opening.length;
    const end = closings?.get(start - 1);
    if (end === undefined || !PLAIN_FUNCTION.test(name)) found.push([start, end ?? written.length]);
  }
  for (const pattern of [USER_INFO, DEFAULT_VALUE]) {
    for (const {0: text, index} of written.matchAll(pattern)) found.push([index, index + text.length]);
  }
  for (const match of written.matchAll(SCHEME)) {
    found.push([match.index + match[0].length - (match[1]?.length ?? 0), match.index + match[0].length]);
  }
  for (const {0: text, 1: name = '', 2: value = '', index} of written.matchAll(NAMED_VALUE)) {
    if (SENSITIVE_NAME.test(name)) found.push([index + text.length, index + text.length + value.length]);
  }
  return found.filter(([start, end]) => end > start);
}

/** Whether each quote of a word is closed. */
function isClosed(written: string): boolean {
  let quote = '';
  for (let at = 0; at < written.length; at += 1) {
    const char = written[at] ?? '';
    if (char === '\\' && quote !== "'") at += 1;
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
  }
  return quote === '';
}

const QUOTED = /^(["']).*\1$/s;

function hideWord({start, end, text: read}: Word, fate: Fate, text: string): Hidden[] {
  const written = text.slice(start, end);
  if (fate === 'hidden') return [{start, end, values: [read, written], sure: false}];
  if (fate === 'after colon') {
    const colon = written.indexOf(':');
    const values = [read.slice(read.indexOf(':') + 1), written.slice(colon + 1)];
    if (colon < 0) return [{start, end, values, sure: true}];
    const from = start + colon + 1;
    return [{start: from, end: Math.max(from, end - (QUOTED.test(written) ? 1 : 0)), values, sure: true}];
  }
  return hiddenIn(written).map(([from, to]) => ({
    start: start + from,
    end: start + to,
    values: [written.slice(from, to)],
    sure: false,
  }));
}

/** Lines whose hidden values are credentials, whatever they look like; in others they may be a port or a path. */
const SURE = /^(?:user|cluster-secret|dynamic-cookie-key|eab-mac-key)$/;

/** What is hidden of a line; all of it when it is not understood. */
function hiddenOfLine(words: readonly Word[], section: string, text: string): Hidden[] {
  const [first, second] = words;
  if (first === undefined) return [];
  const areClosed = words.every(({start, end}) => isClosed(text.slice(start, end)));
  const fates = areClosed ? readLine(words, section) : undefined;
  if (fates === undefined) return hiddenWhole(words, text);
  hideJoined(words, section, fates);
  const sure = SURE.test(first.text) || (/env$/.test(first.text) && SENSITIVE_NAME.test(second?.text ?? ''));
  return words.flatMap((word, index) =>
    hideWord(word, fates[index] ?? 'hidden', text).map(hidden => ({...hidden, sure: sure || hidden.sure})),
  );
}

/** Keywords of lines that have a credential, at the end of a word. */
const JOINED =
  /(?:stats|user|setenv|cluster-secret|dynamic-cookie-key|http-(?:(?:after-)?response|check|request)|tcp-(?:check|request)|reqadd|rspadd)$/;

/**
 * A line that has lost its end, as by a `-%}` too many, goes on with words of the next one: they are read as a line of
 * their own, too.
 */
function hideJoined(words: readonly Word[], section: string, fates: Fate[]): void {
  for (const [at, word] of words.entries()) {
    const keyword = at > 0 ? JOINED.exec(word.text)?.[0] : undefined;
    if (keyword === undefined) continue;
    const rest = [{...word, text: keyword}, ...words.slice(at + 1)];
    if (!isJoined(keyword, rest)) continue;
    const theirs = readLine(rest, section);
    for (const [index, fate] of (theirs ?? rest.map((): Fate => 'hidden')).entries()) {
      if (fate !== 'shown') fates[at + index] = fate;
    }
  }
}

/** Words that stand in other lines, too, are told by what comes next. */
function isJoined(keyword: string, [, next, ...rest]: readonly Word[]): boolean {
  if (keyword === 'stats') return next?.text === 'auth';
  if (keyword === 'user') return rest.some(({text}) => /^(?:insecure-)?password$/.test(text));
  return next !== undefined;
}

/** A keyword that was mistyped, most likely: whoever reads of it should see which. */
const LIKE_KEYWORD = /^[a-z][a-z._-]*$/;

/** A line that is not understood: whatever of it is no keyword may be the secret. */
function hiddenWhole(words: readonly Word[], text: string): Hidden[] {
  const [start, end] = [words[0]?.start ?? 0, words.at(-1)?.end ?? 0];
  const [first, ...rest] = words.map(word => word.text);
  const values = first === undefined || LIKE_KEYWORD.test(first) ? rest : [first, ...rest];
  const written = words.map(word => text.slice(word.start, word.end)).slice(words.length - values.length);
  return [{start, end, values: [...values, ...written], sure: false}];
}

/** What is hidden of the comment from `start` (its `#`) to `end`. */
function hiddenOfComment(start: number, end: number, section: string, text: string): Hidden[] {
  const comment = text.slice(start, end);
  const [lead = ''] = /^[# \t]*/.exec(comment) ?? [];
  const words = readWords(comment.slice(lead.length), start + lead.length, NO_VARIABLES);
  const first = words[0]?.text ?? '';
  const isLine = isKeyword(first) && readLine(words, section) !== undefined;
  if (isLine) return hiddenOfLine(words, section, text);
  if (words.length === 0 || !TELLING.test(comment)) return [];
  // Prose is hidden for one word of it: the others are no secret.
  return hiddenWhole(words, text).map(hidden => ({
    ...hidden,
    values: hidden.values
      .flatMap(value => value.split(SEPARATORS))
      .filter(value => /\d/.test(value) && /[a-z]/i.test(value)),
  }));
}

/** HAProxy reads no line beyond a carriage return: what may stand there, as in a file of such line ends, nobody knows. */
function hiddenUnread(start: number, end: number, text: string): Hidden[] {
  const lines = text.slice(start, end).matchAll(/[^\r]+/g);
  return [...lines].flatMap(({0: line, index}) => hiddenWhole(readWords(line, start + index, NO_VARIABLES), text));
}

const NO_VARIABLES = {known: new Map<string, string>(), complete: false};

/** A server as nearly all lines of the largest texts have it: nothing in it can be a secret. */
const PLAIN_SERVER =
  /^[ \t]*server [\w.-]+ [\w.:[\]-]+(?: (?:check|backup|disabled|(?:cookie|inter|fall|rise|weight|maxconn|maxqueue|slowstart|port|track) [\w./-]+))*$/;

/** All that is hidden in a text, in its order. */
function findHidden(text: string): Hidden[] {
  const found: Hidden[] = [];
  let section = '';
  let start = 0;
  for (const line of text.split('\n')) {
    const end = start + line.length;
    if (!PLAIN_SERVER.test(line) || section === 'userlist') {
      const words = readWords(line, start, NO_VARIABLES);
      const first = words[0]?.text;
      if (first !== undefined && isSection(first)) section = first;
      found.push(...hiddenOfLine(words, section, text));
      const from = words.at(-1)?.end ?? start;
      const unread = text.slice(from, end).indexOf('\r');
      if (unread >= 0) found.push(...hiddenUnread(from + unread, end, text));
      const comment = text.slice(from, end).indexOf('#');
      if (comment >= 0) found.push(...hiddenOfComment(from + comment, end, section, text));
    }
    start = end + 1;
  }
  return found;
}

const SECTIONS = new Set(LINES.split('\n\n', 1)[0]?.match(/[\w-]+/g) ?? []);
const isSection = (word: string): boolean => SECTIONS.has(word);

/**
 * The values of a configuration that must not be seen, wherever they turn up (`hideSecrets`): in HAProxy's messages, in
 * a log line.
 */
export const secretsOf = (text: string): ReadonlySet<string> => secretsAmong(findHidden(text));

/**
 * A configuration as it may be shown to whoever asks: values hidden behind `***` wherever a credential can stand
 * (secret-places.ts), lines that are not understood hidden whole, and what is hidden in one place in every other. All
 * else stays byte for byte.
 */
export function redactConfiguration(text: string): string {
  let redacted = '';
  let from = 0;
  const hidden = findHidden(text);
  for (const {start, end} of hidden) {
    if (start < from) continue;
    redacted += text.slice(from, start) + MASK;
    from = end;
  }
  return hideSecrets(redacted + text.slice(from), secretsAmong(hidden));
}
