import {modulo} from '../python/arithmetic.ts';
import {wantCount, wantText} from '../python/builtin.ts';
import {BLANK, capitalize, splitLines} from '../python/characters.ts';
import {Dict} from '../python/dict.ts';
import {raise} from '../python/fault.ts';
import {codePoints, len} from '../python/iterate.ts';
import {checkLength} from '../python/limits.ts';
import {asMarkup, escapeText, textLike} from '../python/markup.ts';
import {firstCharacters, padBoth} from '../python/padding.ts';
import {pformat} from '../python/pprint.ts';
import {str} from '../python/print.ts';
import {replace, splitFromEnd, strip} from '../python/str-split.ts';
import {wrapText} from '../python/textwrap.ts';
import {truth} from '../python/truth.ts';
import {Markup, Tuple, textOf, Undefined, type Value} from '../python/value.ts';
import {operationTable} from './operation.ts';
import type {Run} from './run.ts';

/** markupsafe's `soft_str`: text as it is, Markup included; all else printed. */
export const softText = (value: Value = null): string | Markup =>
  typeof value === 'string' || value instanceof Markup ? value : str(value);

/** Applies `change` to the text of a value; a Markup stays one. */
const changed = (value: Value | undefined, change: (text: string) => string): Value => {
  const text = softText(value);
  return textLike(text, change(str(text)));
};

const WORD_START = new RegExp(`([-({\\[<${BLANK}]+)`);

const titleWords = (text: string): string =>
  text
    .split(WORD_START)
    .map(([first = '', ...rest]) => first.toUpperCase() + rest.join('').toLowerCase())
    .join('');

function replaceText(run: Run, [value = null, old = null, to = null, limit = null]: readonly Value[]): Value {
  const times = limit === null ? -1 : wantCount(limit);
  const replaced = (text: string, from: string, into: string): string => {
    checkLength(text.length + (text.length / Math.max(1, from.length) + 1) * into.length);
    return replace(text, from, into, times);
  };
  if (!run.autoescape) return replaced(str(value), str(old), str(to));
  const escapes = old instanceof Markup || (to instanceof Markup && !(value instanceof Markup));
  const text = escapes ? asMarkup(value) : softText(value);
  if (!(text instanceof Markup)) return replaced(text, str(old), str(to));
  return new Markup(replaced(text.text, asMarkup(old).text, asMarkup(to).text));
}

/**
 * Jinja2 3.1's `indent`: blank lines stay empty. Up to 2.9 they were indented too and `width` was a number only; where
 * the two differ the result is blanks at the end of empty lines, which HAProxy does not see.
 */
function indent([value = null, width = null, first = false, blank = false]: readonly Value[]): Value {
  const text =
    textOf(value) ?? raise(value instanceof Undefined ? 'UndefinedError' : 'TypeError', 'indent wants a text');
  const pad = textOf(width) ?? ' '.repeat(checkLength(Math.max(0, wantCount(width))));
  const lines = splitLines(`${text}\n`);
  checkLength(text.length + lines.length * pad.length);
  const indented = lines.map((line, index) => (index > 0 && (line !== '' || truth(blank)) ? pad + line : line));
  return textLike(value, (truth(first) ? pad : '') + indented.join('\n'));
}

function truncate([value = null, length, killWords = false, end, leeway]: readonly Value[]): Value {
  const [limit, ending, slack] = [wantCount(length), wantText(end), leeway === null ? 5 : wantCount(leeway)];
  const tail = codePoints(ending);
  if (limit < tail) raise('AssertionError', `expected length >= ${tail}, got ${limit}`);
  if (slack < 0) raise('AssertionError', `expected leeway >= 0, got ${slack}`);
  if (len(value) <= limit + slack) return value;
  const text = textOf(value) ?? raise('TypeError', 'truncate wants a text');
  const start = firstCharacters(text, limit - tail);
  const kept = truth(killWords) ? start : (splitFromEnd(start, ' ', 1)[0] ?? '');
  return textLike(value, kept + (value instanceof Markup && !(end instanceof Markup) ? escapeText(ending) : ending));
}

function wordwrap([value = null, width, breakLong = true, glue = null, breakHyphens = true]: readonly Value[]): Value {
  const text =
    textOf(value) ?? raise(value instanceof Undefined ? 'UndefinedError' : 'AttributeError', 'wordwrap wants a text');
  const between = glue === null ? '\n' : wantText(glue);
  const options = {width: wantCount(width), breakLong: truth(breakLong), breakHyphens: truth(breakHyphens)};
  return splitLines(text)
    .map(line => wrapText(line, options).join(between))
    .join(between);
}

const isMapping = (keywords: ReadonlyMap<string, Value>): boolean => keywords.size > 0;

export const TEXT_FILTERS = operationTable({
  upper: ['s', (_, [value]) => changed(value, text => text.toUpperCase())],
  lower: ['s', (_, [value]) => changed(value, text => text.toLowerCase())],
  capitalize: ['s', (_, [value]) => changed(value, capitalize)],
  title: ['s', (_, [value]) => titleWords(str(softText(value)))],
  trim: [
    'value chars=None',
    (_, [value, chars = null]) => changed(value, text => strip(text, chars === null ? undefined : wantText(chars))),
  ],
  center: ['value width=80', (_, [value, width]) => changed(value, text => padBoth(text, wantCount(width)))],
  string: ['s', (_, [value]) => softText(value)],
  replace: ['s old new count=None', replaceText],
  indent: ['s width=4 first=False blank=False', (_, values) => indent(values)],
  truncate: ["s length=255 killwords=False end='...' leeway=None", (_, values) => truncate(values)],
  wordwrap: ['s width=79 break_long_words=True wrapstring=None break_on_hyphens=True', (_, values) => wordwrap(values)],
  wordcount: ['s', (_, [value]) => str(softText(value)).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0],
  format: [
    'value *args **kwargs',
    (_, [value], args, keywords) => {
      if (args.length > 0 && isMapping(keywords)) {
        raise('FilterArgumentError', "can't handle positional and keyword arguments at the same time");
      }
      return modulo(softText(value), isMapping(keywords) ? new Dict(keywords) : new Tuple(args));
    },
  ],
  pprint: ['value', (_, [value = null]) => pformat(value)],
});
