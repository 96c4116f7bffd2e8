import {
  ACTIONS,
  ANNOUNCING,
  BIND_OPTIONS,
  CALLED_SECRET,
  COOKIE_OPTIONS,
  INTRODUCING,
  LINES,
  LOAD_OPTIONS,
  MADE_UP,
  PLAIN_CRITERION,
  PLAIN_HEADER,
  REPLY_OPTIONS,
  SEND_OPTIONS,
  SENSITIVE_NAME,
  SERVER_OPTIONS,
  TELLING,
  USER_OPTIONS,
} from './secret-places.ts';
import type {Word} from './words.ts';

type Row = readonly string[];

const rowsOf = (table: string): ReadonlyMap<string, readonly Row[]> => {
  const rows = table
    .trim()
    .split('\n')
    .map(line => line.trim().split(' '))
    .filter(row => row[0] !== '');
  const named = rows.flatMap(row => (row[0] ?? '').split('|').map(name => [name, row] as const));
  return new Map([...Map.groupBy(named, ([name]) => name)].map(([name, found]) => [name, found.map(([, row]) => row)]));
};

const LINE_ROWS = rowsOf(LINES);
const ACTION_ROWS = rowsOf(ACTIONS);

/** Whether lines begin with this word. */
export const isKeyword = (word: string): boolean => LINE_ROWS.has(word);

interface Options {
  readonly alone: ReadonlySet<string>;
  readonly valued: ReadonlySet<string>;
}

const optionsOf = ({alone, valued}: {readonly alone: string; readonly valued: string}): Options => ({
  alone: new Set(alone.split(/\s+/)),
  valued: new Set(valued.split(/\s+/)),
});

const BIND = optionsOf(BIND_OPTIONS);
const SERVER = optionsOf(SERVER_OPTIONS);
const REPLY = optionsOf(REPLY_OPTIONS);
const SEND = optionsOf(SEND_OPTIONS);
const COOKIE = optionsOf(COOKIE_OPTIONS);
const USER = optionsOf(USER_OPTIONS);
const LOAD: Options = {alone: BIND.alone, valued: new Set([...BIND.valued, ...LOAD_OPTIONS.split(' ')])};

/**
 * What becomes of a word of a line; `after colon` shows what stands before its first one, `format` all but what looks
 * like a key in the text of a log format. A line that ends too early has more fates than words.
 */
export type Fate = 'shown' | 'hidden' | 'after colon' | 'format';

const isCondition = ({text}: Word): boolean => text === 'if' || text === 'unless';

/** Hides `words` up to a condition, and reads that. */
function hideUntilCondition(words: readonly Word[]): Fate[] {
  const at = words.findIndex(isCondition);
  return words.map((_, index) => (at < 0 || index < at ? 'hidden' : 'shown'));
}

/** Options in any order: those that are not known, and values of those that are secret, are hidden. */
function readOptions(words: readonly Word[], {alone, valued}: Options): Fate[] {
  const fates: Fate[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const text = words[at]?.text ?? '';
    const name = text.replace(/\(.*/s, '');
    if (alone.has(text)) fates.push('shown');
    else if (valued.has(name)) {
      fates.push('shown', 'shown');
      at += 1;
    } else {
      // The name of an option may be seen, what comes with one that is not known may not.
      fates.push(isSecretOption(name) ? 'shown' : 'hidden', 'hidden');
      at += 1;
    }
  }
  return fates;
}

const SECRET_OPTIONS = new Set(
  [BIND_OPTIONS, SERVER_OPTIONS, REPLY_OPTIONS, SEND_OPTIONS, USER_OPTIONS].flatMap(({secret}) => secret.split(' ')),
);
const isSecretOption = (name: string): boolean => SECRET_OPTIONS.has(name);

/** What stands under a name that tells nothing; an expression is seen to when the word is. */
const fateOfValue = ({text}: Word): Fate => {
  const literal = text.replace(/%\[[^\]]*\]|\$\{[^{}]*\}|^[\w.-]+\(.*\)/g, '');
  return MADE_UP.test(literal) || CALLED_SECRET.test(literal) ? 'hidden' : 'shown';
};

/** A name, then what it is given: hidden if the name is sensitive or is no plain one, or a sensitive one is given. */
function readNamed(words: readonly Word[], inParentheses: string | undefined): Fate[] {
  const [first, ...rest] = words;
  const name = inParentheses ?? first?.text ?? '';
  const given = inParentheses === undefined ? rest : words;
  const isNamed = given.slice(0, -1).some(({text}) => /^[\w.-]+$/.test(text) && SENSITIVE_NAME.test(text));
  const isPlain = /^[\w.,/ -]+$/.test(name) && !SENSITIVE_NAME.test(name) && !isNamed;
  const fates = isPlain ? given.map(fateOfValue) : hideUntilCondition(given);
  return inParentheses === undefined
    ? [/^[\w.-]+$/.test(name) && !(given.length === 0 && MADE_UP.test(name)) ? 'shown' : 'hidden', ...fates]
    : fates;
}

/** What a health check sends: the values of its headers are hidden, but for those that say nothing. */
function readSend(words: readonly Word[]): Fate[] {
  const fates: Fate[] = [];
  for (let at = 0; at < words.length; ) {
    if (words[at]?.text === 'hdr') {
      const name = words[at + 1]?.text ?? '';
      const value = words[at + 2];
      const isAgent = /^user-agent$/i.test(name) && value !== undefined && fateOfValue(value) === 'shown';
      fates.push('shown', 'shown', isAgent || PLAIN_HEADER.test(name) ? 'shown' : 'hidden');
      at += 3;
    } else {
      fates.push(...readOptions(words.slice(at, at + 2), SEND));
      at += 2;
    }
  }
  return fates;
}

/** The same for `option httpchk`, whose version may have headers at its end. */
const readHttpchk = (words: readonly Word[]): Fate[] =>
  words.map(({text}, index) =>
    (index < 2 && !/\r|HTTP\//.test(text)) || (index === 2 && /^HTTP\/\d(?:\.\d)?$/.test(text))
      ? ('shown' as const)
      : 'hidden',
  );

/** What a rule answers with: `hdr NAME VALUE` as a header that is set. */
function readReply(words: readonly Word[]): Fate[] {
  const fates: Fate[] = [];
  for (let at = 0; at < words.length; ) {
    const word = words[at];
    if (word !== undefined && isCondition(word)) return [...fates, ...words.slice(at).map((): Fate => 'shown')];
    if (word?.text === 'hdr') {
      fates.push('shown', ...readNamed(words.slice(at + 1, at + 3), undefined));
      at += 3;
    } else {
      const taken = word !== undefined && REPLY.alone.has(word.text) ? 1 : 2;
      fates.push(...readOptions(words.slice(at, at + taken), REPLY));
      at += taken;
    }
  }
  return fates;
}

/** Flags of an ACL that come with a file or a method. */
const VALUED_FLAG = /^-[fmuM]$/;
const MATCHES = /^(?:beg|bin|bool|dir|dom|end|found|int|ip|len|reg|str|sub)$/;
const FLAG = /^-[a-zA-Z]$/;

/** What clients and lines of the text name as they like. */
const GIVEN = /^(?:re[qs]\.f?hdr|s?hdr|url_\w|urlp|var)/;

/** A criterion, then flags and patterns: these are hidden unless all that is looked at is plain. */
function readCriterion(words: readonly Word[]): Fate[] {
  const [criterion, ...rest] = words;
  if (criterion === undefined) return [];
  const [, name = '', argument = ''] = /^!*([\w.-]+)(?:\(([\w.-]+))?/.exec(criterion.text) ?? [];
  const isPlain = PLAIN_CRITERION.test(name) && !SENSITIVE_NAME.test(criterion.text);
  const isGiven = GIVEN.test(name) && !PLAIN_HEADER.test(argument);
  const fates = rest.map((word): Fate => (!isPlain ? 'hidden' : isGiven ? fateOfValue(word) : 'shown'));
  for (let at = 0; FLAG.test(rest[at]?.text ?? ''); at += 1) {
    fates[at] = 'shown';
    if (!VALUED_FLAG.test(rest[at]?.text ?? '')) continue;
    const isMethod = rest[at]?.text !== '-m' || MATCHES.test(rest[at + 1]?.text ?? '');
    fates[++at] = isMethod ? 'shown' : 'hidden';
  }
  return ['shown', ...fates];
}

/** `.if`: shown when it asks for versions, features and whether variables are there. */
const readDirective = (words: readonly Word[]): Fate[] =>
  words.map(({text}) => (/^(?:[!&|]*[a-z_]+\([\w.,*-]*\)|&&|\|\|)+$/.test(text) ? 'shown' : 'hidden'));

function readAction(words: readonly Word[]): Fate[] {
  const [action, ...rest] = words;
  if (action === undefined) return [];
  const [, name = '', inParentheses] = /^([\w.-]+)(?:\((.*)\))?$/s.exec(action.text) ?? [];
  const row = ACTION_ROWS.get(name)?.find(one => isAt(one.slice(1), rest));
  if (row === undefined) return words.map((): Fate => 'hidden');
  return ['shown', ...readRow(row.slice(1), rest, inParentheses)];
}

const ACL_NAME = /^[\w.:-]+$/;

/** Whether the words can be those of a row. */
const isAt = (row: Row, words: readonly Word[]): boolean =>
  row.every((part, index) => {
    const text = words[index]?.text;
    if (part === 'ID') return text === undefined || ACL_NAME.test(text);
    return text === undefined || !/^[a-z0-9.]/.test(part) || part.startsWith('...') || part.split('|').includes(text);
  });

function readRow(row: Row, words: readonly Word[], inParentheses?: string): Fate[] {
  const fates: Fate[] = [];
  for (const [index, part] of row.entries()) {
    const rest = words.slice(index);
    if (part === '...') return [...fates, ...readOpen(rest)];
    if (part.startsWith('<')) return [...fates, ...readAs(part, rest, inParentheses)];
    fates.push(fateAt(part, words[index]));
  }
  return [...fates, ...words.slice(row.length).map((): Fate => 'hidden')];
}

function fateAt(part: string, word: Word | undefined): Fate {
  if (part === '*') return 'hidden';
  return part === ':*' || (part === 'LOGIN' && word?.text.includes(':')) ? 'after colon' : 'shown';
}

/** The end of a word that begins a line of credentials, when it stands where another line has lost its end. */
const LOST_LINE = /(?:^|[a-z\d])(stats|user)$/;

/** `admin:pw`; addresses, variables and formats are none. */
const PAIR = /^[\w.@-]+:(?=.*[a-z])[^\s/%$:[]+$/i;

/** Any number of words: shown up to one that begins a line of credentials, and of a pair what it is called. */
function readOpen(words: readonly Word[]): Fate[] {
  const at = words.findIndex((word, index) => {
    const next = words[index + 1];
    return next !== undefined && !isCondition(next) && LOST_LINE.test(word.text);
  });
  const lost = words[at];
  if (lost === undefined) {
    return words.map((word, index) => {
      const before = words[/^[:=]+$/.test(words[index - 1]?.text ?? '') ? index - 2 : index - 1]?.text ?? '';
      if (ANNOUNCING.test(before) && !isCondition(word)) return 'hidden';
      if (INTRODUCING.test(before) && TELLING.test(word.text)) return 'hidden';
      return PAIR.test(word.text) ? 'after colon' : 'shown';
    });
  }
  const line = [{...lost, text: LOST_LINE.exec(lost.text)?.[1] ?? ''}, ...words.slice(at + 1)];
  const [, ...fates] = readLine(line, '') ?? line.map((): Fate => 'hidden');
  return [...readOpen(words.slice(0, at)), 'shown', ...fates];
}

function readAs(reading: string, words: readonly Word[], inParentheses: string | undefined): Fate[] {
  switch (reading) {
    case '<bind>':
      return readOptions(words, BIND);
    case '<server>':
      return readOptions(words, SERVER);
    case '<load>':
      return readOptions(words, LOAD);
    case '<user>':
      return readOptions(words, USER);
    case '<cookie>':
      return readOptions(words, COOKIE);
    case '<format>':
      return words.map((_, index) => (index === 0 ? 'format' : 'hidden'));
    case '<formats>':
      return readOpen(words).map(fate => (fate === 'shown' ? 'format' : fate));
    case '<query>':
      return readOpen(words).map((fate, index) => (fate === 'shown' && index === 0 ? 'format' : fate));
    case '<realm>':
      return [...readAs('<prose>', words.slice(0, 1), undefined), ...readOpen(words.slice(1))];
    case '<named>':
      return readNamed(words, inParentheses);
    case '<action>':
      return readAction(words);
    case '<criterion>':
      return readCriterion(words);
    case '<reply>':
      return readReply(words);
    case '<send>':
      return readSend(words);
    case '<httpchk>':
      return readHttpchk(words);
    case '<directive>':
      return readDirective(words);
    case '<variable>':
      // Where there is but one, it is the name or the value.
      return words.map(({text}, index) => (index === 0 && words.length > 1 && /^\w+$/.test(text) ? 'shown' : 'hidden'));
    case '<condition>':
      return hideUntilCondition(words);
    case '<prose>': {
      const fate = TELLING.test(words.map(({text}) => text).join(' ')) ? 'hidden' : 'shown';
      return words.map(() => fate);
    }
    default:
      return words.map((): Fate => 'hidden');
  }
}

/** Words that turn a line off, or make its setting the default. */
const PREFIXES = ['no', 'default'];

/** Sections in which no line but these is shown. */
const USER_LINES = ['userlist', 'user', 'group'];

/** What is done with each word of a line; undefined when the line is not understood. */
export function readLine(words: readonly Word[], section: string): Fate[] | undefined {
  const skipped = PREFIXES.includes(words[0]?.text ?? '') ? 1 : 0;
  const rest = words.slice(skipped);
  const first = rest[0]?.text ?? '';
  if (section === 'userlist' && !USER_LINES.includes(first)) return undefined;
  const row =
    LINE_ROWS.get(first)?.find(one => isAt(one, rest)) ?? (first.startsWith('tune.') ? ['NAME', 'NAME'] : undefined);
  if (row === undefined) return undefined;
  const fates = [...words.slice(0, skipped).map((): Fate => 'shown'), ...readRow(row, rest)];
  readCondition(words, fates);
  readBraces(words, fates);
  return fates;
}

/** What stands in a condition beside anonymous ACLs; whatever follows something else is hidden. */
const OPERAND = /^(?:!*[\w.:-]*|\|\||!*\{|\})$/;

function readCondition(words: readonly Word[], fates: Fate[]): void {
  const start = words.findIndex(isCondition) + 1;
  if (start === 0) return;
  let isInBraces = false;
  let isUnderstood = true;
  for (const [index, {text}] of words.slice(start).entries()) {
    if (!isInBraces && !OPERAND.test(text)) isUnderstood = false;
    if (!isUnderstood) fates[start + index] = 'hidden';
    isInBraces = isInBraces ? text !== '}' : isBrace(text);
  }
}

const isBrace = (text: string): boolean => /^(?:if|unless)?!*\{$/.test(text);

/** Anonymous ACLs, wherever they stand; all of one that is never closed is hidden. */
function readBraces(words: readonly Word[], fates: Fate[]): void {
  for (const [at, {text}] of words.entries()) {
    if (!isBrace(text)) continue;
    const rest = words.slice(at + 1);
    const isClosed = rest.some(word => word.text === '}');
    const inside = isClosed
      ? rest.slice(
          0,
          rest.findIndex(word => word.text === '}'),
        )
      : rest;
    for (const [index, fate] of readCriterion(inside).entries()) {
      if (fate === 'hidden' || !isClosed) fates[at + 1 + index] = 'hidden';
    }
  }
}
