import {sorted} from './compare.ts';
import {reprFloat} from './decimal.ts';
import {Dict} from './dict.ts';
import {raise} from './fault.ts';
import {str} from './print.ts';
import {typeName} from './type-name.ts';
import {Float, Tuple, textOf, type Value} from './value.ts';

/** Python's `json.dumps(value, sort_keys=True, indent=…)`. Raises TypeError or ValueError as it does. */
export function dumps(value: Value, indent: string | undefined): string {
  return write(value, indent, '\n', new Set());
}

function write(value: Value, indent: string | undefined, margin: string, within: Set<Value>): string {
  const text = textOf(value);
  if (text !== undefined) return quote(text);
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number' || typeof value === 'bigint') return str(value);
  if (value instanceof Float) return floatText(value.value);
  if (!Array.isArray(value) && !(value instanceof Tuple) && !(value instanceof Dict)) {
    return raise('TypeError', `Object of type ${typeName(value)} is not JSON serializable`);
  }
  if (within.has(value)) raise('ValueError', 'Circular reference detected');
  within.add(value);
  const inner = indent === undefined ? margin : margin + indent;
  const item = (child: Value): string => write(child, indent, inner, within);
  const [open, close] = value instanceof Dict ? '{}' : '[]';
  const parts =
    value instanceof Dict
      ? sorted([...value.entries()], ([key]) => key).map(([key, child]) => `${quote(keyText(key))}: ${item(child)}`)
      : (Array.isArray(value) ? value : value.items).map(item);
  within.delete(value);
  if (parts.length === 0) return `${open}${close}`;
  return indent === undefined
    ? `${open}${parts.join(', ')}${close}`
    : `${open}${inner}${parts.join(`,${inner}`)}${margin}${close}`;
}

function floatText(number: number): string {
  if (Number.isNaN(number)) return 'NaN';
  return Number.isFinite(number) ? reprFloat(number) : number > 0 ? 'Infinity' : '-Infinity';
}

function keyText(key: Value): string {
  if (key === null) return 'null';
  if (typeof key === 'boolean') return key ? 'true' : 'false';
  if (typeof key === 'number' || typeof key === 'bigint') return str(key);
  if (key instanceof Float) return floatText(key.value);
  return textOf(key) ?? raise('TypeError', `keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

/** Only ASCII, astral characters as two escapes. */
const quote = (text: string): string =>
  JSON.stringify(text).replace(/[\x7f-\uffff]/g, unit =>
    unit === '\x7f' ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
