import {type Methods, methodTable, wantCount, wantText} from './builtin.ts';
import {capitalize, splitLines, titleCase} from './characters.ts';
import {Dict} from './dict.ts';
import {raise} from './fault.ts';
import {codePoints, iterate} from './iterate.ts';
import {checkLength} from './limits.ts';
import {padBoth, padLeft, padRight, padZeros} from './padding.ts';
import {spanOf} from './slice.ts';
import {formatMap, formatText} from './str-format.ts';
import {STR_PREDICATES} from './str-predicates.ts';
import {expandTabs, replace, split, splitFromEnd, strip, stripEnd, stripStart} from './str-split.ts';
import {getItemStrictly} from './subscript.ts';
import {truth} from './truth.ts';
import {type Thing, Tuple, textOf, type Value} from './value.ts';

/** An argument that may be None. */
const optional = (value: Value | undefined): string | undefined => (value === null ? undefined : wantText(value));

const fillOf = (value: Value | undefined): string => {
  const text = wantText(value);
  return codePoints(text) === 1 ? text : raise('TypeError', 'The fill character must be exactly one character long');
};

function find(text: string, values: readonly Value[], last: boolean): number {
  const [part, start, stop] = values;
  const span = spanOf(text, start, stop);
  if (span.start < 0) return -1;
  const found = last ? span.text.lastIndexOf(wantText(part)) : span.text.indexOf(wantText(part));
  return found < 0 ? -1 : span.start + codePoints(span.text.slice(0, found));
}

const located = (index: number): number => (index < 0 ? raise('ValueError', 'substring not found') : index);

function count(text: string, [part, start, stop]: readonly Value[]): number {
  const span = spanOf(text, start, stop);
  if (span.start < 0) return 0;
  const wanted = wantText(part);
  return wanted === '' ? codePoints(span.text) + 1 : span.text.split(wanted).length - 1;
}

function matches(
  text: string,
  [given, start, stop]: readonly Value[],
  test: (span: string, part: string) => boolean,
): boolean {
  const span = spanOf(text, start, stop);
  const parts = given instanceof Tuple ? given.items : [given ?? null];
  return parts.some(part => {
    const wanted = textOf(part) ?? raise('TypeError', 'first argument must be str or a tuple of str');
    return span.start >= 0 && test(span.text, wanted);
  });
}

const swapCase = (text: string): string =>
  [...text].map(c => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join('');

/** `join`: raises TypeError for an element that is no text. */
function join(separator: string, values: Value = null): string {
  const parts: string[] = [];
  let length = 0;
  for (const value of iterate(values)) {
    const part = wantText(value, `sequence item ${parts.length}`);
    length += part.length + separator.length;
    parts.push(part);
  }
  checkLength(length);
  return parts.join(separator);
}

function partition(text: string, given: Value | undefined, last: boolean): Tuple {
  const separator = wantText(given);
  if (separator === '') raise('ValueError', 'empty separator');
  const at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (at < 0) return new Tuple(last ? ['', '', text] : [text, '', '']);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

function translate(text: string, table: Value = null): string {
  if (!(table instanceof Dict)) raise('TypeError', 'translate() wants a dict');
  return [...text]
    .map(character => {
      const code = table.get(character.codePointAt(0) ?? 0);
      if (code === undefined) return character;
      if (code === null) return '';
      return textOf(code) ?? String.fromCodePoint(wantCount(code));
    })
    .join('');
}

function makeTable([from = null, to, removed]: readonly Value[]): Dict {
  const code = (value: Value) => (typeof value === 'string' ? (value.codePointAt(0) ?? 0) : value);
  if (from instanceof Dict) return new Dict([...from.entries()].map(([key, value]) => [code(key), value] as const));
  const targets = [...wantText(to)];
  const sources = [...wantText(from)];
  if (sources.length !== targets.length)
    raise('ValueError', 'the first two maketrans arguments must have equal length');
  const pairs: (readonly [Value, Value])[] = sources.map((source, index) => [code(source), code(targets[index] ?? '')]);
  return new Dict([...pairs, ...[...(optional(removed) ?? '')].map(source => [code(source), null] as const)]);
}

const replaced = (text: string, [from, to, limit]: readonly Value[]): string => {
  const [before, after] = [wantText(from), wantText(to)];
  checkLength(text.length + (before === '' ? text.length + 1 : text.length / before.length) * after.length);
  return replace(text, before, after, wantCount(limit));
};

/** A character's full case folding: lower case, but for Cherokee, whose capitals came first; `ı` stays apart from `i`. */
const foldCase = (c: string): string => {
  if (c === 'ı') return c;
  return /\p{Script=Cherokee}/u.test(c) ? c.toUpperCase() : c.toLowerCase().toUpperCase().toLowerCase();
};

const METHODS = methodTable<string>('str', {
  upper: ['', text => text.toUpperCase()],
  lower: ['', text => text.toLowerCase()],
  capitalize: ['', capitalize],
  title: ['', titleCase],
  swapcase: ['', swapCase],
  casefold: ['', text => [...text].map(foldCase).join('')],
  strip: ['chars=None /', (text, [chars]) => strip(text, optional(chars))],
  lstrip: ['chars=None /', (text, [chars]) => stripStart(text, optional(chars))],
  rstrip: ['chars=None /', (text, [chars]) => stripEnd(text, optional(chars))],
  removeprefix: [
    'prefix /',
    (text, [part]) => (text.startsWith(wantText(part)) ? text.slice(wantText(part).length) : text),
  ],
  removesuffix: [
    'suffix /',
    (text, [part]) =>
      wantText(part) !== '' && text.endsWith(wantText(part)) ? text.slice(0, -wantText(part).length) : text,
  ],
  split: ['sep=None maxsplit=-1', (text, [separator, limit]) => split(text, optional(separator), wantCount(limit))],
  rsplit: [
    'sep=None maxsplit=-1',
    (text, [separator, limit]) => splitFromEnd(text, optional(separator), wantCount(limit)),
  ],
  splitlines: ['keepends=False', (text, [keepEnds = false]) => splitLines(text, truth(keepEnds))],
  partition: ['sep /', (text, [separator]) => partition(text, separator, false)],
  rpartition: ['sep /', (text, [separator]) => partition(text, separator, true)],
  join: ['iterable /', (text, [values]) => join(text, values)],
  replace: ['old new count=-1 /', replaced],
  find: ['sub start=None end=None /', (text, values) => find(text, values, false)],
  rfind: ['sub start=None end=None /', (text, values) => find(text, values, true)],
  index: ['sub start=None end=None /', (text, values) => located(find(text, values, false))],
  rindex: ['sub start=None end=None /', (text, values) => located(find(text, values, true))],
  count: ['sub start=None end=None /', count],
  startswith: [
    'prefix start=None end=None /',
    (text, values) => matches(text, values, (span, part) => span.startsWith(part)),
  ],
  endswith: [
    'suffix start=None end=None /',
    (text, values) => matches(text, values, (span, part) => span.endsWith(part)),
  ],
  center: [
    'width fillchar=None /',
    (text, [width, fill]) => padBoth(text, wantCount(width), fill === null ? ' ' : fillOf(fill)),
  ],
  ljust: [
    'width fillchar=None /',
    (text, [width, fill]) => padRight(text, wantCount(width), fill === null ? ' ' : fillOf(fill)),
  ],
  rjust: [
    'width fillchar=None /',
    (text, [width, fill]) => padLeft(text, wantCount(width), fill === null ? ' ' : fillOf(fill)),
  ],
  zfill: ['width /', (text, [width]) => padZeros(text, wantCount(width))],
  expandtabs: ['tabsize=8', (text, [size]) => expandTabs(text, checkLength(wantCount(size)))],
  translate: ['table /', (text, [table]) => translate(text, table)],
  maketrans: ['x y=None z=None /', (_, values) => makeTable(values)],
  format: ['*args **kwargs', (text, _, args, keywords) => formatText(text, args, keywords)],
  format_map: ['mapping /', (text, [mapping = null]) => formatMap(text, name => getItemStrictly(mapping, name))],
});

/** Python's `str` methods (library reference, "String Methods"), but `encode`: there are no bytes in a template. */
export const STR_METHODS: Methods<string> = new Map<string, (self: string) => Thing>([...METHODS, ...STR_PREDICATES]);
