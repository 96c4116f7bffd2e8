import {Dict} from './dict.ts';
import {raise} from './fault.ts';
import {typeName} from './type-name.ts';
import {Float, Markup, Tuple, Undefined, type Value} from './value.ts';

/** `iter(value)`: a dict gives its keys, text its characters (by code point), Undefined nothing. Raises TypeError else. */
export function iterate(value: Value): IterableIterator<Value> {
  if (Array.isArray(value)) return value[Symbol.iterator]();
  if (typeof value === 'string') return value[Symbol.iterator]();
  if (value instanceof Dict) return value.keys();
  if (value instanceof Tuple) return value.items[Symbol.iterator]();
  if (value instanceof Undefined) return [][Symbol.iterator]();
  if (value instanceof Markup) return value.text[Symbol.iterator]();
  if (typeof value === 'object' && value !== null && !(value instanceof Float) && value.iterate !== undefined) {
    const iterator = value.iterate();
    return {next: () => iterator.next(), [Symbol.iterator]: () => iterable(iterator)};
  }
  return raise('TypeError', `'${typeName(value)}' object is not iterable`);
}

const iterable = (iterator: Iterator<Value>): IterableIterator<Value> => ({
  next: () => iterator.next(),
  [Symbol.iterator]() {
    return this;
  },
});

/** `list(value)`: a new array. */
export const toList = (value: Value): Value[] => [...iterate(value)];

/** `len(value)`, counting text by code point; undefined where Python raises TypeError. */
export function lengthOf(value: Value): number | undefined {
  if (typeof value === 'string') return codePoints(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Markup) return codePoints(value.text);
  if (value instanceof Undefined) return 0;
  if (typeof value === 'object' && value !== null && !(value instanceof Float)) return value.length?.();
  return undefined;
}

/** `len(value)`. Raises TypeError for what has none. */
export const len = (value: Value): number =>
  lengthOf(value) ?? raise('TypeError', `object of type '${typeName(value)}' has no len()`);

const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/;

/** Whether text has characters that JavaScript counts as two. */
export const isAstral = (text: string): boolean => ASTRAL.test(text);

/** The number of characters, as Python counts them. */
export const codePoints = (text: string): number => (isAstral(text) ? [...text].length : text.length);
