import {findHiddenParts, findKeys} from './hidden-parts.ts';
import {hideSecrets, MASK, SEPARATORS, secretsAmong} from './hide-secrets.ts';
import {LINES, SENSITIVE_NAME, TELLING} from './secret-places.ts';
import {type Fate, isKeyword, readLine} from './word-fates.ts';
import {readWords, type Word} from './words.ts';

/*
 * INVARIANTS
 * - What is shown was understood: a word is hidden unless a row, a reading or a list says that it may be seen.
 * - Hidden once is hidden everywhere: a value that is a secret in one place is replaced in the whole text. An ordinary
 *   word that the text shows elsewhere is none, nor is a name of its sections.
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

interface Reading {
  readonly text: string;
  /** Whether a word is a name of the text's sections and servers. */
  readonly isDeclared: (word: string) => boolean;
}

const DECLARATION =
  /^[ \t]*(?:acl|backend|cache|frontend|listen|mailers|nameserver|peers?|resolvers|ring|server|userlist)[ \t]+([\w.:-]+)/gm;

/** Tells whether a word is the name of a section, an ACL or a server of the text, which is read when first asked for. */
function createDeclaredNames(text: string): (word: string) => boolean {
  let names: ReadonlySet<string> | undefined;
  return word => {
    names ??= new Set(Array.from(text.matchAll(DECLARATION), ([, name = '']) => name));
    return names.has(word);
  };
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

function hideWord({start, end, text: read}: Word, fate: Fate, {text, isDeclared}: Reading): Hidden[] {
  const written = text.slice(start, end);
  if (fate === 'hidden') return [{start, end, values: [read, written], sure: false}];
  if (fate === 'after colon') {
    const colon = written.indexOf(':');
    const values = [read.slice(read.indexOf(':') + 1), written.slice(colon + 1)];
    if (colon < 0) return [{start, end, values, sure: true}];
    const from = start + colon + 1;
    return [{start: from, end: Math.max(from, end - (QUOTED.test(written) ? 1 : 0)), values, sure: true}];
  }
  const parts = findHiddenParts(written, isDeclared);
  return (fate === 'format' ? [...parts, ...findKeys(written)] : parts).map(([from, to]) => ({
    start: start + from,
    end: start + to,
    values: [written.slice(from, to)],
    sure: false,
  }));
}

/** Lines whose hidden values are credentials, whatever they look like; in others they may be a port or a path. */
const SURE = /^(?:user|cluster-secret|dynamic-cookie-key|eab-mac-key)$/;

/** What is hidden of a line; all of it when it is not understood. */
function hiddenOfLine(words: readonly Word[], section: string, reading: Reading): Hidden[] {
  const {text} = reading;
  const [first, second] = words;
  if (first === undefined) return [];
  const areClosed = words.every(({start, end}) => isClosed(text.slice(start, end)));
  const fates = areClosed ? readLine(words, section) : undefined;
  if (fates === undefined) return hiddenWhole(words, text);
  hideJoined(words, section, fates);
  const sure = SURE.test(first.text) || (/env$/.test(first.text) && SENSITIVE_NAME.test(second?.text ?? ''));
  return words.flatMap((word, index) =>
    hideWord(word, fates[index] ?? 'hidden', reading).map(hidden => ({...hidden, sure: sure || hidden.sure})),
  );
}

/** Keywords of lines that have a credential, at the end of a word. */
const JOINED =
  /(?:stats|user|setenv|cluster-secret|dynamic-cookie-key|http-(?:(?:after-)?response|check|request)|tcp-(?:check|request)|reqadd|rspadd)$/;

/** Others, that stand by themselves. */
const ALONE =
  /^(?:acl|acme-vars|anonkey|bind|default-server|eab-(?:key-id|mac-key)|http-error|lua-load(?:-per-thread)?|option|peer|server|set-param|set-var(?:-fmt)?|tcp-response)$/;

/**
 * A line that has lost its end, as by a `-%}` too many, goes on with words of the next one: they are read as a line of
 * their own, too.
 */
function hideJoined(words: readonly Word[], section: string, fates: Fate[]): void {
  // `timeout http-request 10s`
  const first = words[0]?.text === 'timeout' ? 2 : 1;
  for (const [at, word] of words.entries()) {
    const keyword = at >= first ? (JOINED.exec(word.text)?.[0] ?? ALONE.exec(word.text)?.[0]) : undefined;
    if (keyword === undefined) continue;
    const rest = [{...word, text: keyword}, ...words.slice(at + 1)];
    const theirs = readLine(rest, section);
    if (ALONE.test(word.text) ? theirs === undefined : !isJoined(keyword, rest)) continue;
    for (const [index, fate] of (theirs ?? rest.map((): Fate => 'hidden')).entries()) {
      if (fate !== 'shown' && (fate !== 'format' || fates[at + index] === 'shown')) fates[at + index] = fate;
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
  const all = words.map(word => text.slice(word.start, word.end));
  const values = first === undefined || (LIKE_KEYWORD.test(first) && first === all[0]) ? rest : [first, ...rest];
  const written = all.slice(words.length - values.length);
  return [{start, end, values: [...values, ...written], sure: false}];
}

/** What is hidden of the comment from `start` (its `#`) to `end`. */
function hiddenOfComment(start: number, end: number, section: string, reading: Reading): Hidden[] {
  const {text} = reading;
  const comment = text.slice(start, end);
  const [lead = ''] = /^[# \t]*/.exec(comment) ?? [];
  const words = readWords(comment.slice(lead.length), start + lead.length, NO_VARIABLES);
  const first = words[0]?.text ?? '';
  const isLine = isKeyword(first) && readLine(words, section) !== undefined;
  if (isLine) {
    // It may as well be prose.
    const hidden = hiddenOfLine(words, section, reading).map(one => (one.sure ? one : withUnusual(one)));
    return [...hidden, ...hiddenOfProse(words.at(-1)?.end ?? end, end, text)];
  }
  // What stands right behind a word may belong to it, for whoever wrote it.
  const isGlued = /\S/.test(text.charAt(start - 1));
  return isGlued || TELLING.test(comment) ? hiddenOfProse(start + lead.length, end, text) : [];
}

/** Prose is hidden for one word of it: the others are no secret. */
function hiddenOfProse(start: number, end: number, text: string): Hidden[] {
  const prose = text.slice(start, end).trimEnd();
  if (prose === '') return [];
  const values = [...prose.split(/\s+/), ...prose.split(SEPARATORS)];
  return [withUnusual({start, end: start + prose.length, values, sure: false})];
}

const withUnusual = (hidden: Hidden): Hidden => ({
  ...hidden,
  values: hidden.values.filter(value => /\d/.test(value) && /[a-z]/i.test(value)),
});

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
function findHidden(reading: Reading): Hidden[] {
  const {text} = reading;
  const found: Hidden[] = [];
  let section = '';
  let start = 0;
  for (const line of text.split('\n')) {
    const end = start + line.length;
    if (!PLAIN_SERVER.test(line) || section === 'userlist') {
      const words = readWords(line, start, NO_VARIABLES);
      const first = words[0]?.text;
      if (first !== undefined && isSection(first)) section = first;
      found.push(...hiddenOfLine(words, section, reading));
      const from = words.at(-1)?.end ?? start;
      const unread = text.slice(from, end).indexOf('\r');
      if (unread >= 0) found.push(...hiddenUnread(from + unread, end, text));
      const comment = text.slice(from, end).indexOf('#');
      if (comment >= 0) found.push(...hiddenOfComment(from + comment, end, section, reading));
    }
    start = end + 1;
  }
  // Those of one word may lie within another.
  return found.sort((one, other) => one.start - other.start);
}

const SECTIONS = new Set(LINES.split('\n\n', 1)[0]?.match(/[\w-]+/g) ?? []);
const isSection = (word: string): boolean => SECTIONS.has(word);

interface Redacted {
  readonly shown: string;
  readonly secrets: ReadonlySet<string>;
}

function redact(text: string): Redacted {
  const reading = {text, isDeclared: createDeclaredNames(text)};
  const hidden = findHidden(reading);
  let shown = '';
  let from = 0;
  for (const {start, end} of hidden) {
    if (start > from || from === 0) shown += text.slice(from, start) + MASK;
    from = Math.max(from, end);
  }
  shown += text.slice(from);
  let words: ReadonlySet<string> | undefined;
  const isShown = (word: string): boolean => {
    words ??= new Set(shown.replaceAll(COMMENT, '').split(NO_WORD));
    return words.has(word);
  };
  return {shown, secrets: secretsAmong(hidden, {isDeclared: reading.isDeclared, isShown})};
}

/** More than a comment may be cut off: what is not among the words that are shown is hidden. */
const COMMENT = /#.*/g;
const NO_WORD = /[^\w.-]+/;

/**
 * The values of a configuration that must not be seen, wherever they turn up (`hideSecrets`): in HAProxy's messages, in
 * a log line.
 */
export const secretsOf = (text: string): ReadonlySet<string> => redact(text).secrets;

/**
 * A configuration as it may be shown to whoever asks: values hidden behind `***` wherever a credential can stand
 * (secret-places.ts), lines that are not understood hidden whole, and what is hidden in one place in every other. All
 * else stays byte for byte.
 */
export function redactConfiguration(text: string): string {
  const {shown, secrets} = redact(text);
  return hideSecrets(shown, secrets);
}
