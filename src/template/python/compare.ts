import {Dict, keyOf} from './dict.ts';
import {raise} from './fault.ts';
import {asInt, type Int} from './integer.ts';
import {iterate} from './iterate.ts';
import {str} from './print.ts';
import {typeName} from './type-name.ts';
import {Float, Tuple, textOf, Undefined, type Value} from './value.ts';

/** A number of any kind as what JavaScript compares exactly, or undefined. */
const comparable = (value: Value): Int | undefined => (value instanceof Float ? value.value : asInt(value));

/** Python's `==`: by value, `1 == 1.0 == True`; different kinds are unequal, never an error. */
export function equal(a: Value, b: Value): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  const left = comparable(a);
  if (left !== undefined) {
    const right = comparable(b);
    // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint compare exactly, and only so.
    return right !== undefined && left == right;
  }
  const text = textOf(a);
  if (text !== undefined) return text === textOf(b);
  if (a === null || b === null) return a === b;
  if (Array.isArray(a)) return Array.isArray(b) && allEqual(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && allEqual(a.items, b.items);
  if (a instanceof Dict) return b instanceof Dict && equalDicts(a, b);
  if (a instanceof Undefined) return b instanceof Undefined;
  return a === b || (typeof a === 'object' && 'equals' in a && (a.equals?.(b) ?? false));
}

/** Members are the same when they are identical or equal: a NaN is found in the list that holds it. */
const same = (a: Value, b: Value): boolean => (a === b && !(typeof a === 'number')) || equal(a, b);

const allEqual = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((item, index) => same(item, b[index] ?? null));

function equalDicts(a: Dict, b: Dict): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a.entries()) {
    const other = b.get(key);
    if (other === undefined || !same(value, other)) return false;
  }
  return true;
}

export type Ordering = '<' | '<=' | '>' | '>=';

const holds = (sign: number, ordering: Ordering): boolean => {
  switch (ordering) {
    case '<':
      return sign < 0;
    case '<=':
      return sign <= 0;
    case '>':
      return sign > 0;
    case '>=':
      return sign >= 0;
  }
};

/** Python's `<` and its like. Raises TypeError for what has no order: text beside a number, dicts, None. */
export function ordered(a: Value, b: Value, ordering: Ordering): boolean {
  if (a instanceof Undefined) raise('UndefinedError', a.reason);
  if (b instanceof Undefined) raise('UndefinedError', b.reason);
  const left = comparable(a);
  const right = comparable(b);
  // A NaN is in no order to anything.
  if (left !== undefined && right !== undefined) {
    if (Number.isNaN(left) || Number.isNaN(right)) return false;
    return holds(left < right ? -1 : left > right ? 1 : 0, ordering);
  }
  const leftText = textOf(a);
  const rightText = textOf(b);
  if (leftText !== undefined && rightText !== undefined) return holds(compareText(leftText, rightText), ordering);
  if (Array.isArray(a) && Array.isArray(b)) return orderedLists(a, b, ordering);
  if (a instanceof Tuple && b instanceof Tuple) return orderedLists(a.items, b.items, ordering);
  return raise('TypeError', `'${ordering}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

function orderedLists(a: readonly Value[], b: readonly Value[], ordering: Ordering): boolean {
  for (const [index, item] of a.entries()) {
    if (index >= b.length) break;
    const other = b[index] ?? null;
    if (!same(item, other)) return ordered(item, other, ordering);
  }
  return holds(a.length - b.length, ordering);
}

/** By code point, as Python orders text; JavaScript's `<` would put astral characters before U+E000. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

const codePointRank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** `sorted(items, key=…, reverse=…)`: stable in both directions. Raises TypeError when two keys have no order. */
export function sorted<T>(items: readonly T[], key: (item: T) => Value, reverse = false): T[] {
  const keyed = items.map(item => ({item, key: key(item)}));
  const compare = (a: Value, b: Value): number => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
    return ordered(a, b, '<') ? -1 : ordered(b, a, '<') ? 1 : 0;
  };
  keyed.sort(reverse ? (a, b) => compare(b.key, a.key) : (a, b) => compare(a.key, b.key));
  return keyed.map(entry => entry.item);
}

/** Python's `needle in haystack`. Raises TypeError when it is no container, or text is searched for what is no text. */
export function contains(haystack: Value, needle: Value): boolean {
  const text = textOf(haystack);
  if (text !== undefined) {
    const part = textOf(needle);
    if (part === undefined) {
      raise('TypeError', `'in <string>' requires string as left operand, not ${typeName(needle)}`);
    }
    return text.includes(part);
  }
  if (haystack instanceof Dict) return haystack.has(needle);
  if (typeof haystack === 'object' && haystack !== null && 'contains' in haystack && haystack.contains) {
    return haystack.contains(needle);
  }
  for (const item of iterate(haystack)) if (same(item, needle)) return true;
  return false;
}

/** Python's `is`: the same object; small values of one kind are one object. */
export function identical(a: Value, b: Value): boolean {
  if (a instanceof Float || b instanceof Float) return a === b;
  if (a instanceof Tuple && b instanceof Tuple && a.items.length + b.items.length === 0) return true;
  return a === b;
}

/** A set of values as Python's `set` tells them apart. Raises TypeError for an unhashable one. */
export function createSeen(): {add(value: Value): boolean} {
  const seen = new Set<unknown>();
  return {
    add(value) {
      const key = keyOf(value);
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    },
  };
}

/** Text for messages: what an operand is, shortened. */
export const shown = (value: Value): string => {
  const text = typeof value === 'string' ? JSON.stringify(value) : str(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};
