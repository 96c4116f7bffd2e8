import {divide, multiply, power, signed} from '../python/arithmetic.ts';
import {wantCount, wantInt} from '../python/builtin.ts';
import {fixed, roundFloat, roundInteger} from '../python/decimal.ts';
import {attempt, raise} from '../python/fault.ts';
import {asInt, asNumber, parseFloatText, parseInteger, truncate} from '../python/integer.ts';
import {repr, str} from '../python/print.ts';
import {truth} from '../python/truth.ts';
import {typeName} from '../python/type-name.ts';
import {Float, textOf, Undefined, type Value} from '../python/value.ts';
import {operationTable} from './operation.ts';

/** Python's `float(value)`. */
function toFloat(value: Value): number {
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  const text = textOf(value);
  if (text === undefined) {
    return (
      asNumber(value) ??
      raise('TypeError', `float() argument must be a string or a real number, not '${typeName(value)}'`)
    );
  }
  return parseFloatText(text) ?? raise('ValueError', `could not convert string to float: ${repr(text)}`);
}

/** Python's `int(value)`, of a text with a base. */
function toInteger(value: Value, base: Value): Value {
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  const text = textOf(value);
  if (text !== undefined) {
    const radix = wantCount(base);
    if (radix !== 0 && (radix < 2 || radix > 36)) raise('ValueError', 'int() base must be >= 2 and <= 36, or 0');
    return parseInteger(text, radix) ?? raise('ValueError', `invalid literal for int(): ${repr(text)}`);
  }
  if (value instanceof Float) return truncate(value.value);
  return (
    asInt(value) ?? raise('TypeError', `int() argument must be a string or a real number, not '${typeName(value)}'`)
  );
}

const CAUGHT = ['TypeError', 'ValueError'] as const;

function int([value = null, fallback = null, base = null]: readonly Value[]): Value {
  return attempt(
    CAUGHT,
    () => toInteger(value, base),
    () =>
      attempt(
        [...CAUGHT, 'OverflowError'],
        () => truncate(toFloat(value)),
        () => fallback,
      ),
  );
}

function round([value = null, given, method]: readonly Value[]): Value {
  if (method !== 'common' && method !== 'ceil' && method !== 'floor') {
    raise('FilterArgumentError', 'method must be common, ceil or floor');
  }
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  const exact = asInt(value);
  const number = asNumber(value) ?? raise('TypeError', `type ${typeName(value)} doesn't define __round__ method`);
  if (method === 'common') {
    if (given === null) return exact ?? truncate(roundFloat(number, 0));
    const places = wantCount(given);
    return exact === undefined ? new Float(roundFloat(number, places)) : roundInteger(BigInt(exact), places);
  }
  const unit = power(10, given ?? 0);
  const scaled = multiply(value, unit);
  const whole =
    scaled instanceof Float ? truncate(method === 'ceil' ? Math.ceil(scaled.value) : Math.floor(scaled.value)) : scaled;
  return divide(whole, unit);
}

const PREFIXES = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

function fileSize([value = null, binary = false]: readonly Value[]): string {
  const bytes = toFloat(value);
  const base = truth(binary) ? 1024 : 1000;
  if (bytes === 1) return '1 Byte';
  if (bytes < base) return `${truncate(bytes)} Bytes`;
  const found = PREFIXES.findIndex((_, index) => bytes < base ** (index + 2));
  const index = found < 0 ? PREFIXES.length - 1 : found;
  const amount = (base * bytes) / base ** (index + 2);
  if (!Number.isFinite(amount)) return `${str(new Float(amount))} ${truth(binary) ? 'YiB' : 'YB'}`;
  const prefix = PREFIXES[index] ?? '';
  return `${fixed(amount, 1)} ${truth(binary) ? `${prefix.toUpperCase()}iB` : `${prefix}B`}`;
}

function abs(value: Value): Value {
  if (value instanceof Float) return new Float(Math.abs(value.value));
  if (value instanceof Undefined) raise('TypeError', `bad operand type for abs(): ${value.reason}`);
  const number = asInt(value) ?? raise('TypeError', `bad operand type for abs(): '${typeName(value)}'`);
  return number < 0 ? signed(number, '-') : wantInt(number);
}

export const NUMBER_FILTERS = operationTable({
  abs: ['x /', (_, [value = null]) => abs(value)],
  int: ['value default=0 base=10', (_, values) => int(values)],
  float: [
    'value default=0.0',
    (_, [value = null, fallback = null]) =>
      attempt(
        CAUGHT,
        () => new Float(toFloat(value)),
        () => fallback,
      ),
  ],
  round: ["value precision=0 method='common'", (_, values) => round(values)],
  filesizeformat: ['value binary=False', (_, values) => fileSize(values)],
});
