import {compareText, ordered} from './compare.ts';
import {Dict} from './dict.ts';
import {Fault} from './fault.ts';
import {checkLength} from './limits.ts';
import {quoted, repr} from './print.ts';
import {typeName} from './type-name.ts';
import {Tuple, type Value} from './value.ts';

const WIDTH = 80;

/** Python's `pprint.pformat`: one line where it fits into 80 columns, else one element a line; dicts sorted by key. */
export function pformat(value: Value): string {
  return format(value, 0, 0, new Set());
}

function format(value: Value, indent: number, allowance: number, within: Set<Value>): string {
  if (within.has(value)) return `<Recursion on ${typeName(value)}>`;
  const line = oneLine(value, within);
  if (line.length <= WIDTH - indent - allowance) return line;
  within.add(value);
  const text = spread(value, indent, allowance, within) ?? line;
  within.delete(value);
  checkLength(text.length);
  return text;
}

function spread(value: Value, indent: number, allowance: number, within: Set<Value>): string | undefined {
  if (value instanceof Dict && value.size > 0) {
    const entries = sortedEntries(value).map(([key, item], index, all) => {
      const name = repr(key);
      const last = index === all.length - 1 ? allowance + 1 : 1;
      return `${name}: ${format(item, indent + name.length + 3, last, within)}`;
    });
    return `{${entries.join(`,\n${' '.repeat(indent + 1)}`)}}`;
  }
  const [items, open, close] = Array.isArray(value)
    ? [value, '[', ']']
    : value instanceof Tuple
      ? [value.items, '(', value.items.length === 1 ? ',)' : ')']
      : [undefined, '', ''];
  if (items !== undefined && items.length > 0) {
    const parts = items.map((item, index) => {
      const last = index === items.length - 1 ? allowance + close.length : 1;
      return format(item, indent + 1, last, within);
    });
    return `${open}${parts.join(`,\n${' '.repeat(indent + 1)}`)}${close}`;
  }
  return typeof value === 'string' ? spreadText(value, indent, allowance) : undefined;
}

function sortedEntries(dict: Dict): [Value, Value][] {
  const before = (a: Value, b: Value): boolean => {
    try {
      return ordered(a, b, '<');
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return compareText(`<class '${typeName(a)}'>`, `<class '${typeName(b)}'>`) < 0;
    }
  };
  return [...dict.entries()].sort(([a], [b]) => (before(a, b) ? -1 : before(b, a) ? 1 : 0));
}

/** `repr` with dicts sorted at every level, as pprint has it. */
function oneLine(value: Value, within: Set<Value>): string {
  if (within.has(value)) return `<Recursion on ${typeName(value)}>`;
  const isNested = value instanceof Dict || Array.isArray(value) || value instanceof Tuple;
  if (!isNested) return repr(value);
  within.add(value);
  const inner = (item: Value): string => oneLine(item, within);
  let text: string;
  if (value instanceof Dict) {
    text = `{${sortedEntries(value)
      .map(([key, item]) => `${inner(key)}: ${inner(item)}`)
      .join(', ')}}`;
  } else if (Array.isArray(value)) text = `[${value.map(inner).join(', ')}]`;
  else text = `(${value.items.map(inner).join(', ')}${value.items.length === 1 ? ',' : ''})`;
  within.delete(value);
  checkLength(text.length);
  return text;
}

/** A long text as several literals side by side, broken behind blanks. */
function spreadText(text: string, given: number, givenAllowance: number): string | undefined {
  const isTop = given === 0 && givenAllowance === 0;
  const [indent, allowance] = isTop ? [given + 1, givenAllowance + 1] : [given, givenAllowance];
  const lines = text.match(/[^\n\r]*(?:\r\n|\n|\r)|[^\n\r]+/g) ?? [];
  const room = WIDTH - indent;
  const chunks: string[] = [];
  for (const [index, line] of lines.entries()) {
    const isLast = index === lines.length - 1;
    const limit = isLast ? room - allowance : room;
    if (quoted(line).length <= limit) {
      chunks.push(quoted(line));
      continue;
    }
    const parts = line.match(/\S*\s*/g)?.filter(part => part !== '') ?? [];
    let current = '';
    for (const [at, part] of parts.entries()) {
      const candidate = current + part;
      const width = isLast && at === parts.length - 1 ? room - allowance : room;
      if (quoted(candidate).length > width && current !== '') {
        chunks.push(quoted(current));
        current = part;
      } else current = candidate;
    }
    if (current !== '') chunks.push(quoted(current));
  }
  if (chunks.length === 1) return chunks[0];
  const body = chunks.join(`\n${' '.repeat(indent)}`);
  return isTop ? `(${body})` : body;
}
