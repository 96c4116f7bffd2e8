import {reprFloat} from './decimal.ts';
import {Dict} from './dict.ts';
import {raise} from './fault.ts';
import {MAX_LENGTH} from './limits.ts';
import {Float, Markup, Tuple, Undefined, type Value} from './value.ts';

/** Python 3.11 prints no longer integer. */
const MAX_DIGITS = 4300;

/** `str(value)`: what a template prints. */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return '';
  return repr(value);
}

/** `repr(value)`: as it prints inside a list. A list that holds itself prints as `[...]` there. */
export function repr(value: Value): string {
  return write(value, []);
}

function write(value: Value, within: Value[]): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') return String(value);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return printBig(value);
  if (value instanceof Float) return reprFloat(value.value);
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`;
  if (value instanceof Undefined) return 'Undefined';
  if (Array.isArray(value)) return nested(value, within, '[...]', inner => `[${list(value, inner)}]`);
  if (value instanceof Tuple) {
    const comma = value.items.length === 1 ? ',' : '';
    return nested(value, within, '(...)', inner => `(${list(value.items, inner)}${comma})`);
  }
  if (value instanceof Dict) {
    return nested(value, within, '{...}', inner => {
      const pairs = [...value.entries()].map(([key, item]) => `${write(key, inner)}: ${write(item, inner)}`);
      return `{${joined(pairs)}}`;
    });
  }
  return value.text();
}

const list = (items: readonly Value[], within: Value[]): string => joined(items.map(item => write(item, within)));

/** Joins, within the limit: lists that hold a list many times, many times over, print exponentially long. */
function joined(parts: readonly string[]): string {
  let length = 0;
  for (const part of parts) length += part.length + 2;
  if (length > MAX_LENGTH) raise('LimitError', `a text of ${length} characters is over the limit of ${MAX_LENGTH}`);
  return parts.join(', ');
}

function nested(value: Value, within: Value[], again: string, print: (within: Value[]) => string): string {
  if (within.includes(value)) return again;
  within.push(value);
  const text = print(within);
  within.pop();
  return text;
}

function printBig(value: bigint): string {
  const text = value.toString();
  if (text.length > MAX_DIGITS + (value < 0n ? 1 : 0)) {
    raise('ValueError', `Exceeds the limit (${MAX_DIGITS} digits) for integer string conversion`);
  }
  return text;
}

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** What Python's `str.isprintable` refuses. */
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/u;

/** `repr(str)`: single quotes, unless only those occur in it. */
export function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'"]|(?! )[\p{C}\p{Z}]/gu, character => {
    if (character === quote) return `\\${quote}`;
    if (character === "'" || character === '"') return character;
    return SHORT_ESCAPES.get(character) ?? escaped(character);
  });
  return `${quote}${body}${quote}`;
}

export const isPrintable = (text: string): boolean => !UNPRINTABLE.test(text);

/** `\xNN`, `\uNNNN` or `\UNNNNNNNN` for one character. */
export function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** `ascii(value)`: `repr` with all beyond ASCII escaped. */
export const ascii = (value: Value): string => repr(value).replace(/[^\0-\x7f]/gu, escaped);
