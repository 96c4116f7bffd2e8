import {add} from '../python/arithmetic.ts';
import {wantCount, wantText} from '../python/builtin.ts';
import {Dict} from '../python/dict.ts';
import {attempt, Fault, raise} from '../python/fault.ts';
import {asNumber} from '../python/integer.ts';
import {iterate, len, lengthOf, toList} from '../python/iterate.ts';
import {checkLength} from '../python/limits.ts';
import {asMarkup, joinMarkup, textLike} from '../python/markup.ts';
import {str} from '../python/print.ts';
import {streamOf} from '../python/stream.ts';
import {getAttribute, getItemStrictly} from '../python/subscript.ts';
import {truth} from '../python/truth.ts';
import {Markup, orElse, Tuple, textOf, Undefined, type Value} from '../python/value.ts';
import {attributeGetter} from './attribute-path.ts';
import {softText} from './filters-text.ts';
import {operationTable} from './operation.ts';
import type {Run} from './run.ts';

function join(run: Run, [values = null, glue = null, attribute = null]: readonly Value[]): Value {
  const get = attributeGetter(attribute);
  const parts = toList(values).map(get);
  const separator = softText(glue);
  if (!run.autoescape) return joined(parts.map(str), str(separator));
  if (separator instanceof Markup || parts.some(part => part instanceof Markup)) {
    return joinMarkup(
      parts.map(part => (part instanceof Markup ? part : str(part))),
      asMarkup(separator).text,
    );
  }
  return joined(parts.map(str), separator);
}

function joined(parts: readonly string[], separator: string): string {
  let length = separator.length * parts.length;
  for (const part of parts) length += part.length;
  checkLength(length);
  return parts.join(separator);
}

function first(values: Value): Value {
  const {done, value} = iterate(values).next();
  return done === true ? new Undefined('No first item, sequence was empty.') : value;
}

/** What Python's `reversed` takes: not a generator. */
function reversed(value: Value): Value[] {
  if (lengthOf(value) === undefined) raise('TypeError', 'argument to reversed() must be a sequence');
  // It goes by index, and what stands at an index of Markup is Markup.
  if (value instanceof Markup) return [...value.text].reverse().map(character => new Markup(character));
  return toList(value).reverse();
}

function reverse(value: Value): Value {
  const text = textOf(value);
  if (text !== undefined) return textLike(value, [...text].reverse().join(''));
  try {
    const items = attempt(
      ['TypeError'],
      () => reversed(value),
      () => toList(value).reverse(),
    );
    return lengthOf(value) === undefined ? items : streamOf('list_reverseiterator', items[Symbol.iterator]());
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'TypeError') throw error;
    return raise('FilterArgumentError', 'argument must be iterable');
  }
}

function* batches(items: Iterable<Value>, count: Value, fill: Value): Generator<Value> {
  let batch: Value[] = [];
  // What is no number is never reached, and what is no whole one neither.
  const full = asNumber(count);
  for (const item of items) {
    if (batch.length === full) {
      yield batch;
      batch = [];
    }
    batch.push(item);
  }
  if (batch.length === 0) return;
  const isShort = fill !== null && (full === undefined || batch.length < full);
  if (isShort) checkLength(wantCount(count));
  if (isShort) while (batch.length < wantCount(count)) batch.push(fill);
  yield batch;
}

function* slices(values: Value, given: Value, fill: Value): Generator<Value> {
  const items = toList(values);
  const count = checkLength(wantCount(given));
  if (count === 0) raise('ZeroDivisionError', 'integer division or modulo by zero');
  const size = Math.floor(items.length / count);
  const extra = items.length - size * count;
  let start = 0;
  for (let index = 0; index < count; index++) {
    const end = start + size + (index < extra ? 1 : 0);
    const slice = items.slice(start, end);
    start = end;
    if (fill !== null && index >= extra) slice.push(fill);
    yield slice;
  }
}

function sum([values = null, attribute = null, start = null]: readonly Value[]): Value {
  if (textOf(start) !== undefined) raise('TypeError', "sum() can't sum strings [use ''.join(seq) instead]");
  const get = attributeGetter(attribute);
  let total = start;
  for (const value of iterate(values)) total = add(total, get(value));
  return total;
}

function* itemsOf(value: Value): Generator<Value> {
  if (value instanceof Undefined) return;
  if (!(value instanceof Dict)) raise('TypeError', 'Can only get item pairs from a mapping.');
  for (const [key, item] of value.entries()) yield new Tuple([key, item]);
}

function random(run: Run, sequence: Value): Value {
  const length = len(sequence);
  if (length === 0) return new Undefined('No random item, sequence was empty.');
  return getItemStrictly(sequence, run.random(length));
}

export const SEQUENCE_FILTERS = operationTable({
  length: ['obj /', (_, [value = null]) => len(value)],
  count: ['obj /', (_, [value = null]) => len(value)],
  list: ['value', (_, [value = null]) => toList(value)],
  first: ['seq', (_, [values = null]) => first(values)],
  last: [
    'seq',
    (_, [values = null]) => orElse(reversed(values)[0], () => new Undefined('No last item, sequence was empty.')),
  ],
  random: ['seq', (run, [values = null]) => random(run, values)],
  reverse: ['value', (_, [value = null]) => reverse(value)],
  join: ["value d='' attribute=None", join],
  batch: [
    'value linecount fill_with=None',
    (_, [values = null, count = null, fill = null]) => streamOf('generator', batches(lazily(values), count, fill)),
  ],
  slice: [
    'value slices fill_with=None',
    (_, [values = null, count = null, fill = null]) => streamOf('generator', slices(values, count, fill)),
  ],
  sum: ['iterable attribute=None start=0', (_, values) => sum(values)],
  items: ['value', (_, [value = null]) => streamOf('generator', itemsOf(value))],
  attr: [
    'obj name',
    (_, [value = null, name]) =>
      orElse(getAttribute(value, wantText(name)), () => new Undefined(`no attribute '${str(name ?? null)}'`)),
  ],
  default: ["value default_value='' boolean=False", useDefault],
  d: ["value default_value='' boolean=False", useDefault],
});

function useDefault(_: Run, [value = null, fallback = null, boolean = false]: readonly Value[]): Value {
  return value instanceof Undefined || (truth(boolean) && !truth(value)) ? fallback : value;
}

function* lazily(values: Value): Generator<Value> {
  yield* iterate(values);
}
