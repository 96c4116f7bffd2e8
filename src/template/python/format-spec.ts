import {reprFloat} from './decimal.ts';
import {raise} from './fault.ts';
import {asInt, asNumber, type Int} from './integer.ts';
import {codePoints} from './iterate.ts';
import {checkLength} from './limits.ts';
import {firstCharacters} from './padding.ts';
import {str} from './print.ts';
import {floating} from './printf.ts';
import {typeName} from './type-name.ts';
import {Float, textOf, type Value} from './value.ts';

const SPEC = /^(?:([\s\S])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/u;

interface Spec {
  readonly fill: string;
  readonly align: string | undefined;
  readonly sign: string;
  readonly alternate: boolean;
  readonly width: number;
  readonly grouping: string;
  readonly precision: number | undefined;
  readonly type: string;
}

/** `format(value, spec)` (library reference, "Format Specification Mini-Language"). Raises ValueError or TypeError. */
export function formatValue(value: Value, text: string): string {
  if (text === '') return str(value);
  const given = textOf(value);
  const isNumber = asInt(value) !== undefined || value instanceof Float;
  if (given === undefined && !isNumber) {
    raise('TypeError', `unsupported format string passed to ${typeName(value)}.__format__`);
  }
  const spec = parseSpec(text, typeName(value));
  if (given !== undefined) return formatText(given, spec);
  return formatNumber(value, spec);
}

function parseSpec(text: string, name: string): Spec {
  const match = SPEC.exec(text);
  if (match === null) raise('ValueError', `Invalid format specifier '${text}' for object of type '${name}'`);
  const [, fill, align, sign = '', , alternate, zero, width, grouping = '', precision, type = ''] = match;
  return {
    fill: fill ?? (zero === undefined ? ' ' : '0'),
    align: align ?? (zero === undefined ? undefined : '='),
    sign,
    alternate: alternate !== undefined,
    width: checkLength(Number(width ?? 0)),
    grouping,
    precision: precision === undefined ? undefined : checkLength(Number(precision)),
    type,
  };
}

function formatText(text: string, spec: Spec): string {
  const zeroed = spec.align === '=' && spec.fill === '0';
  if (spec.type !== '' && spec.type !== 's')
    raise('ValueError', `Unknown format code '${spec.type}' for object of type 'str'`);
  if (spec.sign !== '' || spec.alternate || spec.grouping !== '')
    raise('ValueError', 'Sign, # or grouping not allowed in string format specifier');
  if (spec.align === '=' && !zeroed) raise('ValueError', "'=' alignment not allowed in string format specifier");
  const body = spec.precision === undefined ? text : firstCharacters(text, spec.precision);
  return aligned('', body, {...spec, align: zeroed ? '<' : spec.align}, '<');
}

function formatNumber(value: Value, spec: Spec): string {
  const int = asInt(value);
  if (int !== undefined && 'eEfFgG%'.includes(spec.type) && spec.type !== '') {
    return formatFloat(asNumber(value) ?? 0, spec);
  }
  if (int === undefined) return formatFloat((value as Float).value, spec);
  // A bool without a type prints as an int once there is any spec.
  return formatInteger(int, spec);
}

const BASES: Readonly<Record<string, number>> = {b: 2, o: 8, x: 16, X: 16};

function formatInteger(int: Int, spec: Spec): string {
  const {type, precision, grouping, sign} = spec;
  if (type === 's') raise('ValueError', "Unknown format code 's' for object of type 'int'");
  if (precision !== undefined) raise('ValueError', 'Precision not allowed in integer format specifier');
  if (type === 'c') {
    if (sign !== '' || grouping !== '')
      raise('ValueError', "Sign and grouping not allowed with integer format specifier 'c'");
    if (int < 0 || int > 0x10ffff) raise('OverflowError', '%c arg not in range(0x110000)');
    return aligned('', String.fromCodePoint(Number(int)), spec, '<');
  }
  if (grouping === ',' && type in BASES) raise('ValueError', `Cannot specify ',' with '${type}'.`);
  const digits = int.toString(BASES[type] ?? 10).replace('-', '');
  const body = type === 'X' ? digits.toUpperCase() : digits;
  const prefix = spec.alternate && type in BASES ? `0${type}` : '';
  return numeric(`${signOf(int < 0, sign)}${prefix}`, body, '', spec, type in BASES ? 4 : 3);
}

function formatFloat(number: number, spec: Spec): string {
  const {type, precision, sign, alternate} = spec;
  if ('bcdosxX'.includes(type) && type !== '')
    raise('ValueError', `Unknown format code '${type}' for object of type 'float'`);
  const negative = number < 0 || Object.is(number, -0);
  const magnitude = Math.abs(number);
  const text = unsignedFloat(magnitude, type, precision, alternate);
  const [, whole = '', rest = ''] = /^(\d*)(.*)$/.exec(text) ?? [];
  return numeric(signOf(negative, sign), whole, rest, spec, 3);
}

function unsignedFloat(number: number, type: string, precision: number | undefined, alternate: boolean): string {
  if (type === '%') {
    const percent = number * 100;
    return `${floating(percent, 'f', precision ?? 6, alternate)}%`;
  }
  if (type !== '') return floating(number, type === 'n' ? 'g' : type, precision ?? 6, alternate);
  if (precision === undefined || !Number.isFinite(number)) return reprFloat(number);
  // Like 'g', but with a digit after the point, and an exponent one place earlier.
  const text = floating(number, 'g', precision, alternate);
  if (text.includes('e')) return text;
  const count = Math.max(1, precision);
  const whole = text.split('.')[0] ?? '';
  if (whole.length >= count && number >= 1 && !text.includes('.')) {
    return floating(number, 'e', count - 1, alternate).replace(/\.?0+e/, 'e');
  }
  return text.includes('.') ? text : `${text}.0`;
}

const signOf = (negative: boolean, sign: string): string => (negative ? '-' : sign === '-' ? '' : sign);

/** Groups the digits, counts zero padding among them, and aligns. */
function numeric(lead: string, whole: string, rest: string, spec: Spec, size: number): string {
  const {grouping, fill, align, width} = spec;
  const isWord = whole === '';
  if (grouping === '' || isWord) return aligned(lead, whole + rest, spec, '>');
  let digits = whole;
  const grouped = () => digits.replace(new RegExp(`\\B(?=(?:[0-9a-zA-Z]{${size}})+$)`, 'g'), grouping);
  if (fill === '0' && align === '=') {
    while (lead.length + grouped().length + rest.length < width) {
      const longer = `0${digits}`;
      digits = longer;
    }
  }
  return aligned(lead, grouped() + rest, spec, '>');
}

function aligned(lead: string, body: string, {fill, align, width}: Spec, usual: string): string {
  const missing = Math.max(0, width - codePoints(lead) - codePoints(body));
  switch (align ?? usual) {
    case '<':
      return lead + body + fill.repeat(missing);
    case '^': {
      const left = Math.floor(missing / 2);
      return fill.repeat(left) + lead + body + fill.repeat(missing - left);
    }
    case '=':
      return lead + fill.repeat(missing) + body;
    default:
      return fill.repeat(missing) + lead + body;
  }
}
