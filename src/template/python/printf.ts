import {exponential, fixed, general} from './decimal.ts';
import {Dict} from './dict.ts';
import {raise} from './fault.ts';
import {asInt, asNumber, type Int, truncate} from './integer.ts';
import {checkLength} from './limits.ts';
import {firstCharacters, padLeft, padRight} from './padding.ts';
import {ascii, repr, str} from './print.ts';
import {typeName} from './type-name.ts';
import {Float, Markup, orElse, Tuple, textOf, Undefined, type Value} from './value.ts';

const CONVERSION = /%(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?([\s\S])?/g;

interface Conversion {
  readonly flags: string;
  readonly precision: number | undefined;
  readonly type: string;
}

/**
 * Python's `text % values` (library reference, "printf-style String Formatting"). `protect` is applied to what `%s`,
 * `%r` and `%c` print: for Markup. Raises TypeError, ValueError or KeyError as Python does.
 */
export function formatPrintf(text: string, values: Value, protect?: (text: string) => string): string {
  let args = values instanceof Tuple ? values.items : [values];
  const isMapping = !(values instanceof Tuple) && textOf(values) === undefined && hasItems(values);
  let next = 0;
  const take = (): Value => {
    if (next >= args.length) raise('TypeError', 'not enough arguments for format string');
    return args[next++] ?? null;
  };
  const takeSize = (): number => {
    const int = asInt(take());
    if (int === undefined) raise('TypeError', '* wants int');
    return Number(int);
  };

  const result = text.replace(
    CONVERSION,
    (whole, key?: string, flags = '', width?: string, dot?: string, type = '') => {
      if (whole === '%%') return '%';
      if (key !== undefined) {
        if (!(values instanceof Dict)) raise('TypeError', 'format requires a mapping');
        // What it names is all that there is to take from then on, once.
        args = [orElse(values.get(key), () => raise('KeyError', repr(key)))];
        next = 0;
      }
      const size = width === '*' ? takeSize() : Number(width ?? 0);
      const precision = dot === undefined ? undefined : dot === '*' ? Math.max(0, takeSize()) : Number(dot);
      if (type === '') raise('ValueError', 'incomplete format');
      const conversion = {flags: size < 0 ? `${flags}-` : flags, precision, type};
      return padded(converted(take(), conversion, protect), conversion, checkLength(Math.abs(size)));
    },
  );
  if (next < args.length && !isMapping) {
    raise('TypeError', 'not all arguments converted during string formatting');
  }
  return result;
}

/** What takes subscripts is left alone when no conversion wants it; an Undefined is of that kind. */
const hasItems = (value: Value): boolean =>
  value instanceof Undefined ||
  Array.isArray(value) ||
  value instanceof Dict ||
  (typeof value === 'object' && value !== null && 'item' in value);

function padded(text: string, {flags, type}: Conversion, width: number): string {
  if (flags.includes('-')) return padRight(text, width);
  if (!flags.includes('0') || /[srac]/.test(type)) return padLeft(text, width);
  const sign = /^[+\- ]?(?:0[xXo])?/.exec(text)?.[0] ?? '';
  if (/^[+\- ]?(?:inf|nan)/i.test(text)) return padLeft(text, width);
  return sign + padLeft(text.slice(sign.length), width - sign.length, '0');
}

function converted(value: Value, {flags, precision, type}: Conversion, protect?: (text: string) => string): string {
  const clipped = (text: string) => (precision === undefined ? text : firstCharacters(text, precision));
  switch (type) {
    case 's':
      return clipped(protect !== undefined && !(value instanceof Markup) ? protect(str(value)) : str(value));
    case 'r':
      return clipped(protect === undefined ? repr(value) : protect(repr(value)));
    case 'a':
      return clipped(protect === undefined ? ascii(value) : protect(ascii(value)));
    case 'c':
      return character(value);
    case 'd':
    case 'i':
    case 'u':
      return withSign(digitsOf(wholeNumber(value, type), 10, precision), flags);
    case 'x':
    case 'X':
    case 'o': {
      const base = type === 'o' ? 8 : 16;
      const digits = digitsOf(exactInteger(value, type), base, precision);
      const prefixed = flags.includes('#') ? digits.replace(/^-?/, sign => `${sign}0${type.toLowerCase()}`) : digits;
      return withSign(type === 'X' ? prefixed.toUpperCase() : prefixed, flags);
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return withSign(floating(realNumber(value), type, precision ?? 6, flags.includes('#')), flags);
    default:
      return raise('ValueError', `unsupported format character '${type}'`);
  }
}

const withSign = (text: string, flags: string): string => {
  if (text.startsWith('-')) return text;
  return flags.includes('+') ? `+${text}` : flags.includes(' ') ? ` ${text}` : text;
};

/** A float in one of printf's notations; `inf` and `nan` as words. */
export function floating(number: number, type: string, precision: number, keepPoint: boolean): string {
  const text = finiteOrWord(number, type.toLowerCase(), precision, keepPoint);
  return /[EFG]/.test(type) ? text.toUpperCase() : text;
}

function finiteOrWord(number: number, type: string, precision: number, keepPoint: boolean): string {
  if (Number.isNaN(number)) return 'nan';
  if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf';
  checkLength(precision);
  const point = keepPoint && precision === 0 && type !== 'g' ? '.' : '';
  if (type === 'e') return exponential(number, precision).replace('e', `${point}e`);
  if (type === 'f') return fixed(number, precision) + point;
  return general(number, precision, keepPoint);
}

function digitsOf(int: Int, base: number, precision = 0): string {
  const text = int.toString(base);
  const sign = text.startsWith('-') ? '-' : '';
  return sign + text.slice(sign.length).padStart(checkLength(precision), '0');
}

function wholeNumber(value: Value, type: string): Int {
  if (value instanceof Float) return truncate(value.value);
  const int = asInt(value);
  if (int !== undefined) return int;
  return raise('TypeError', `%${type} format: a real number is required, not ${typeName(value)}`);
}

function exactInteger(value: Value, type: string): Int {
  const int = asInt(value);
  if (int !== undefined) return int;
  return raise('TypeError', `%${type} format: an integer is required, not ${typeName(value)}`);
}

function realNumber(value: Value): number {
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  return asNumber(value) ?? raise('TypeError', `must be real number, not ${typeName(value)}`);
}

function character(value: Value): string {
  const text = textOf(value);
  if (text !== undefined && [...text].length === 1) return text;
  const int = asInt(value);
  if (int === undefined) raise('TypeError', '%c requires int or char');
  if (int < 0 || int > 0x10ffff) raise('OverflowError', '%c arg not in range(0x110000)');
  return String.fromCodePoint(Number(int));
}
