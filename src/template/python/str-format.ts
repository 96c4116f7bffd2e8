import {raise} from './fault.ts';
import {formatValue} from './format-spec.ts';
import {checkLength} from './limits.ts';
import {escapeText} from './markup.ts';
import {ascii, repr, str} from './print.ts';
import {getAttribute, getItemStrictly} from './subscript.ts';
import {type Keywords, Markup, orElse, type Value} from './value.ts';

/** Where `str.format` finds its arguments. */
interface Source {
  readonly positional: readonly Value[] | undefined;
  named(name: string): Value | undefined;
  /** The next automatic number; -1 once numbers were given by hand. */
  next: number;
  readonly isMarkup: boolean;
}

/** `text.format(*args, **kwargs)`. Raises KeyError, IndexError, ValueError, AttributeError as Python does. */
export const formatText = (text: string, args: readonly Value[], keywords: Keywords, isMarkup = false): string =>
  format(text, {positional: args, named: name => keywords.get(name), next: 0, isMarkup}, 2);

/** `text.format_map(mapping)`. */
export const formatMap = (text: string, named: (name: string) => Value | undefined): string =>
  format(text, {positional: undefined, named, next: 0, isMarkup: false}, 2);

function format(text: string, source: Source, depth: number): string {
  if (depth < 0) raise('ValueError', 'Max string recursion exceeded');
  let result = '';
  for (let index = 0; index < text.length; ) {
    const character = text.charAt(index);
    if (character !== '{' && character !== '}') {
      const end = /[{}]/.exec(text.slice(index))?.index ?? text.length - index;
      result += text.slice(index, index + end);
      index += end;
    } else if (text.charAt(index + 1) === character) {
      result += character;
      index += 2;
    } else if (character === '}') {
      raise('ValueError', "Single '}' encountered in format string");
    } else {
      const end = endOfField(text, index + 1);
      result += replaced(text.slice(index + 1, end), source, depth);
      index = end + 1;
    }
    checkLength(result.length);
  }
  return result;
}

function endOfField(text: string, start: number): number {
  let open = 1;
  for (let index = start; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '[') {
      const close = text.indexOf(']', index);
      if (close > 0 && !text.slice(start, index).includes(':')) index = close;
    } else if (character === '{') open++;
    else if (character === '}' && --open === 0) return index;
  }
  return raise(
    'ValueError',
    start === text.length ? "Single '{' encountered in format string" : "expected '}' before end of string",
  );
}

function replaced(field: string, source: Source, depth: number): string {
  const [, path = '', , conversion, , spec = ''] =
    /^((?:[^!:[]|\[[^\]]*\]?)*)(!([\s\S]?))?(:([\s\S]*))?$/.exec(field) ??
    raise('ValueError', "expected ':' after conversion specifier");
  const value = resolve(path, source);
  const text = format(spec, source, depth - 1);
  if (field.includes('!') && conversion === undefined && !spec.includes('!'))
    return raise('ValueError', 'unmatched conversion');
  const shown = converted(value, conversion);
  if (!source.isMarkup) return formatValue(shown, text);
  if (shown instanceof Markup) {
    return text === '' ? shown.text : raise('ValueError', 'Unsupported format specification for Markup.');
  }
  return escapeText(formatValue(shown, text));
}

function converted(value: Value, conversion: string | undefined): Value {
  switch (conversion) {
    case undefined:
      return value;
    case 's':
      return str(value);
    case 'r':
      return repr(value);
    case 'a':
      return ascii(value);
    default:
      return raise('ValueError', `Unknown conversion specifier '${conversion}'`);
  }
}

/** `name`, `0`, nothing (the next one), then `.attribute` and `[key]`. */
function resolve(path: string, source: Source): Value {
  const [head = ''] = /^[^.[]*/.exec(path) ?? [];
  let value = argument(head, source);
  const steps = /(?:\.([^.[]*)|\[([^\]]*)\])/y;
  steps.lastIndex = head.length;
  while (steps.lastIndex < path.length) {
    const step = steps.exec(path) ?? raise('ValueError', "Only '.' or '[' may follow ']' in format field specifier");
    const [, attribute, key = ''] = step;
    if (attribute === '' || (attribute === undefined && key === ''))
      raise('ValueError', 'Empty attribute in format string');
    value =
      attribute === undefined
        ? getItemStrictly(value, /^\d+$/.test(key) ? Number(key) : key)
        : orElse(getAttribute(value, attribute), () => raise('AttributeError', `no attribute '${attribute}'`));
  }
  return value;
}

function argument(head: string, source: Source): Value {
  const isNumber = /^\d+$/.test(head);
  if (head !== '' && !isNumber) return orElse(source.named(head), () => raise('KeyError', repr(head)));
  if (source.positional === undefined) raise('ValueError', 'Format string contains positional fields');
  if (isNumber ? source.next > 0 : source.next < 0) {
    raise('ValueError', 'cannot switch between manual field specification and automatic field numbering');
  }
  const index = isNumber ? Number(head) : source.next++;
  if (isNumber) source.next = -1;
  if (index >= source.positional.length) {
    raise('IndexError', `Replacement index ${index} out of range for positional args tuple`);
  }
  return source.positional[index] ?? null;
}
