import {raise} from './fault.ts';
import {MAX_BITS} from './limits.ts';
import {strip} from './str-split.ts';
import {Float, type Value} from './value.ts';

/** A Python `int`: a `number` where that is exact, a `bigint` beyond. */
export type Int = number | bigint;

/** An exact integer as an `Int`. Raises LimitError over MAX_BITS. */
export function toInt(exact: bigint): Int {
  if (exact >= BigInt(Number.MIN_SAFE_INTEGER) && exact <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(exact);
  if (BigInt.asIntN(MAX_BITS, exact) !== exact) raise('LimitError', `an integer of more than ${MAX_BITS} bits`);
  return exact;
}

/** `int` or `bool` as an `Int`; undefined for all else. */
export function asInt(value: Value): Int | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return undefined;
}

/** `int`, `bool` or `float` as a `Float`'s number; undefined for all else. Raises OverflowError when it is too large. */
export function asNumber(value: Value): number | undefined {
  if (value instanceof Float) return value.value;
  const int = asInt(value);
  if (int === undefined) return undefined;
  const number = Number(int);
  if (!Number.isFinite(number)) raise('OverflowError', 'int too large to convert to float');
  return number;
}

/** The whole part of a float. Raises as `int(float)` does. */
export function truncate(number: number): Int {
  if (Number.isNaN(number)) raise('ValueError', 'cannot convert float NaN to integer');
  if (!Number.isFinite(number)) raise('OverflowError', 'cannot convert float infinity to integer');
  const whole = Math.trunc(number);
  return Number.isSafeInteger(whole) ? whole + 0 : BigInt(whole);
}

/** `int(text, base)`: sign, `_` between digits, a prefix where the base allows it; undefined when it is none. */
export function parseInteger(text: string, base: number): Int | undefined {
  const match = /^([+-]?)(0[xX]_?|0[oO]_?|0[bB]_?)?([0-9A-Za-z]+(?:_[0-9A-Za-z]+)*)$/.exec(trimmed(text));
  if (match === null) return undefined;
  const [, sign = '', prefix = '', digits = ''] = match;
  const prefixBase = {x: 16, o: 8, b: 2}[prefix.charAt(1).toLowerCase()];
  const isPrefixed = prefixBase !== undefined && (base === 0 || base === prefixBase);
  const body = (isPrefixed ? digits : `${prefix}${digits}`).replaceAll('_', '').toLowerCase();
  const actual = base === 0 ? (prefixBase ?? 10) : base;
  if (base === 0 && !isPrefixed && /^0+[1-9]/.test(body)) return undefined;
  let total = 0n;
  for (const digit of body) {
    const number = Number.parseInt(digit, 36);
    if (!(number < actual)) return undefined;
    total = total * BigInt(actual) + BigInt(number);
  }
  return toInt(sign === '-' ? -total : total);
}

const FLOAT = /^[+-]?(?:(?:\d+(?:_\d+)*)(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/;

/** `float(text)`; undefined when it is none. */
export function parseFloatText(text: string): number | undefined {
  const plain = trimmed(text);
  if (FLOAT.test(plain)) return Number(plain.replaceAll('_', ''));
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(plain);
  if (word === null) return undefined;
  if (word[2]?.toLowerCase() === 'nan') return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Python's numbers may have other alphabets' digits, and blanks around them. */
const trimmed = (text: string): string =>
  strip(text).replace(/(?![0-9])\p{Nd}/gu, digit => {
    let zero = digit.codePointAt(0) ?? 0;
    const code = zero;
    while (/^\p{Nd}$/u.test(String.fromCodePoint(zero - 1)) && code - zero < 9) zero--;
    return String(code - zero);
  });
