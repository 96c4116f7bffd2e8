import {shown} from './compare.ts';
import {raise} from './fault.ts';
import {asInt, toInt} from './integer.ts';
import {checkLength, MAX_BITS} from './limits.ts';
import {escapeText, joinMarkup} from './markup.ts';
import {fromBoth, type NumberPair} from './number-pair.ts';
import {formatPrintf} from './printf.ts';
import {quotient} from './quotient.ts';
import {typeName} from './type-name.ts';
import {Float, Markup, Tuple, textOf, Undefined, type Value} from './value.ts';

function refuse(operator: string, a: Value, b: Value): never {
  if (a instanceof Undefined) raise('UndefinedError', a.reason);
  if (b instanceof Undefined) raise('UndefinedError', b.reason);
  const both = textOf(a) !== undefined && operator === '+';
  const operands = `${shown(a)} ${operator} ${shown(b)}`;
  return raise(
    'TypeError',
    both
      ? `can only concatenate str (not "${typeName(b)}") to str: ${operands}`
      : `unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}': ${operands}`,
  );
}

/** Python's `a + b`: numbers, texts, lists, tuples. Raises TypeError for a mixture. */
export function add(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  const pair = fromBoth(a, b);
  if (pair !== undefined)
    return computed(
      pair,
      (x, y) => x + y,
      (x, y) => x + y,
    );
  if (a instanceof Markup || b instanceof Markup) {
    if (textOf(a) !== undefined && textOf(b) !== undefined) return joinMarkup([a, b]);
  }
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (a instanceof Tuple && b instanceof Tuple) return new Tuple([...a.items, ...b.items]);
  return refuse('+', a, b);
}

export function subtract(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a - b)) return a - b;
  const pair = fromBoth(a, b);
  return pair === undefined
    ? refuse('-', a, b)
    : computed(
        pair,
        (x, y) => x - y,
        (x, y) => x - y,
      );
}

/** Python's `a * b`: numbers, or the repetition of a text, list or tuple. */
export function multiply(a: Value, b: Value): Value {
  // `+ 0`: there is no negative zero among integers.
  if (typeof a === 'number' && typeof b === 'number' && Number.isSafeInteger(a * b)) return a * b + 0;
  const pair = fromBoth(a, b);
  if (pair !== undefined)
    return computed(
      pair,
      (x, y) => x * y,
      (x, y) => x * y,
    );
  const times = asInt(b);
  if (times !== undefined) return repeated(a, Number(times)) ?? refuse('*', a, b);
  const swapped = asInt(a);
  return (swapped === undefined ? undefined : repeated(b, Number(swapped))) ?? refuse('*', a, b);
}

function repeated(value: Value, given: number): Value | undefined {
  const times = Math.max(0, given);
  const text = textOf(value);
  if (text !== undefined) {
    checkLength(text.length * times);
    return value instanceof Markup ? new Markup(text.repeat(times)) : text.repeat(times);
  }
  const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : undefined;
  if (items === undefined) return undefined;
  checkLength(items.length * times);
  const all: Value[] = [];
  for (let time = 0; time < times && items.length > 0; time++) for (const item of items) all.push(item);
  return Array.isArray(value) ? all : new Tuple(all);
}

/** Python's `a / b`: always a float. */
export function divide(a: Value, b: Value): Value {
  const pair = fromBoth(a, b);
  if (pair === undefined) return refuse('/', a, b);
  if (Number(pair.b) === 0) raise('ZeroDivisionError', `division by zero: ${shown(a)} / ${shown(b)}`);
  return new Float(pair.is === 'int' ? quotient(pair.a, pair.b) : pair.a / pair.b);
}

/** Python's `a // b`: rounds down. */
export function floorDivide(a: Value, b: Value): Value {
  const pair = fromBoth(a, b);
  if (pair === undefined) return refuse('//', a, b);
  checkDivisor(pair, '//', a, b);
  return computed(
    pair,
    (x, y) => (x - floorMod(x, y)) / y,
    (x, y) => floatFloor(x, y).quotient,
  );
}

/** Python's `a % b`: the sign of `b`; or printf-style formatting of a text. */
export function modulo(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number' && a >= 0 && b > 0) return a % b;
  if (typeof a === 'string') return formatPrintf(a, b);
  if (a instanceof Markup) return new Markup(formatPrintf(a.text, b, escapeText));
  const pair = fromBoth(a, b);
  if (pair === undefined) return refuse('%', a, b);
  checkDivisor(pair, '%', a, b);
  return computed(pair, floorMod, (x, y) => floatFloor(x, y).remainder);
}

const floorMod = (x: bigint, y: bigint): bigint => {
  const remainder = x % y;
  return remainder !== 0n && remainder < 0n !== y < 0n ? remainder + y : remainder;
};

/** CPython's `float_divmod`. */
function floatFloor(x: number, y: number): {quotient: number; remainder: number} {
  let remainder = x % y;
  let division = (x - remainder) / y;
  if (remainder === 0) remainder = y < 0 ? -0 : 0;
  else if (y < 0 !== remainder < 0) {
    remainder += y;
    division -= 1;
  }
  if (division === 0) return {quotient: x / y < 0 || Object.is(x / y, -0) ? -0 : 0, remainder};
  const floor = Math.floor(division);
  return {quotient: division - floor > 0.5 ? floor + 1 : floor, remainder};
}

function checkDivisor(pair: NumberPair, operator: string, a: Value, b: Value): void {
  if (Number(pair.b) === 0) {
    raise('ZeroDivisionError', `integer division or modulo by zero: ${shown(a)} ${operator} ${shown(b)}`);
  }
}

/** Python's `a ** b`: an int where both are and `b` is not negative. */
export function power(a: Value, b: Value): Value {
  const pair = fromBoth(a, b);
  if (pair === undefined) return refuse('**', a, b);
  if (pair.is === 'int' && pair.b >= 0n) {
    const bits = pair.a.toString(2).length;
    if (bits > 2 && BigInt(bits) * pair.b > BigInt(2 * MAX_BITS)) {
      raise('LimitError', `${shown(a)} ** ${shown(b)} has more than ${MAX_BITS} bits`);
    }
    return toInt(pair.a ** pair.b);
  }
  const [x, y] = [Number(pair.a), Number(pair.b)];
  if (x === 0 && y < 0) raise('ZeroDivisionError', '0.0 cannot be raised to a negative power');
  if (x < 0 && !Number.isInteger(y) && Number.isFinite(x) && Number.isFinite(y)) {
    raise('ValueError', `${shown(a)} ** ${shown(b)} is a complex number`);
  }
  // Python: 1 to any power is 1, NaN included.
  const result = x === 1 || (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) ? 1 : x ** y;
  if (!Number.isFinite(result) && Number.isFinite(x) && Number.isFinite(y)) raise('OverflowError', 'Result too large');
  return new Float(result);
}

/** Python's `-value` and `+value`. */
export function signed(value: Value, sign: '-' | '+'): Value {
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  const int = asInt(value);
  if (int !== undefined) return sign === '+' ? int : toInt(-BigInt(int));
  if (value instanceof Float) return sign === '+' ? value : new Float(-value.value);
  return raise('TypeError', `bad operand type for unary ${sign}: '${typeName(value)}': ${sign}${shown(value)}`);
}

function computed(
  pair: NumberPair,
  exact: (x: bigint, y: bigint) => bigint,
  float: (x: number, y: number) => number,
): Value {
  return pair.is === 'int' ? toInt(exact(pair.a, pair.b)) : new Float(float(pair.a, pair.b));
}

/** `a ~ b ~ …` over texts already printed. */
export function concatenated(parts: readonly string[]): string {
  let length = 0;
  for (const part of parts) length += part.length;
  checkLength(length);
  return parts.join('');
}
