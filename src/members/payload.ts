import {FieldFault} from './field-fault.ts';
import type {Json, Ping} from './member.ts';
import {isList, isObject, readWritten, type Written, type WrittenNumber} from './written-json.ts';

/** Deeper payloads are refused: every later step (templates, snapshot, digest) walks them recursively. */
const MAX_DEPTH = 32;

/** Python's `json` takes no longer integer. */
const MAX_DIGITS = 4300;

/** C0, DEL and C1, and the two line separators that only some readers take for line ends. */
const CONTROL_CHARACTERS = /[\p{Cc}\u2028\u2029]/gu;

const cleanText = (text: string): string => text.replace(CONTROL_CHARACTERS, '').toWellFormed();

/**
 * Takes a parsed JSON value as a payload: strings and keys lose control characters and lone surrogates, so that none
 * can start a new line in a configuration; `__proto__` keys are dropped; a number beyond a double's range becomes null,
 * as JSON writes it. Throws FieldFault when it nests deeper than 32.
 */
export function parsePayload(value: unknown, depth = 0): Json {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null) return null;
  if (depth === MAX_DEPTH) throw new FieldFault('payload', `nests deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return value.map(item => parsePayload(item, depth + 1));
  const object: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = cleanText(key);
    if (name !== '__proto__') object[name] = parsePayload(item, depth + 1);
  }
  return object;
}

/** Numbers that JavaScript may hold otherwise than they were written, and keys that it may put first: most texts have none. */
const MAY_LOSE = /(?:^|[[:,\s])-?\d+(?:\.0+(?!\d)|[\d.]{15}|[\d.]*[eE])|"[^"A-Za-z_][^"]*"\s*:/;

/**
 * The JSON text of a payload where the value that JavaScript makes of it says something else: `1.0` is a float in a
 * template, and `{"b": 1, "10": 2}` keeps its order. Undefined for all others. `text` is JSON that holds it at `at`
 * (a key of its object), or is it; cleaned as `parsePayload` cleans, which took it already.
 */
export function payloadTextOf(text: string, payload: Json, at?: string): string | undefined {
  if (typeof payload === 'string' || typeof payload === 'boolean' || !MAY_LOSE.test(text)) return undefined;
  const whole = readWritten(text);
  const written = at === undefined ? whole : whole instanceof Map ? (whole.get(at) ?? null) : null;
  const exact = cleanWritten(written);
  return exact === JSON.stringify(payload) ? undefined : exact;
}

function cleanWritten(written: Written): string {
  if (typeof written === 'string') return JSON.stringify(cleanText(written));
  if (typeof written === 'boolean' || written === null) return String(written);
  if (isList(written)) return `[${written.map(cleanWritten).join(',')}]`;
  if (!isObject(written)) return cleanNumber(written);
  const entries = new Map<string, string>();
  for (const [key, item] of written) {
    const name = cleanText(key);
    if (name !== '__proto__') entries.set(name, cleanWritten(item));
  }
  return `{${[...entries].map(([name, item]) => `${JSON.stringify(name)}:${item}`).join(',')}}`;
}

/** As JavaScript writes it where it means the same. */
function cleanNumber({source}: WrittenNumber): string {
  const number = Number(source);
  if (/[.eE]/.test(source)) return Number.isFinite(number) && !Number.isInteger(number) ? String(number) : source;
  if (Number.isSafeInteger(number)) return String(number);
  return source.length > MAX_DIGITS ? 'null' : source;
}

type Said = Pick<Ping, 'payload' | 'payloadText'>;

/** What a payload takes as UTF-8 JSON, with its text where that is kept beside; an empty one is free. */
export const payloadBytesOf = ({payload, payloadText = ''}: Said): number =>
  payload === '' ? 0 : Buffer.byteLength(JSON.stringify(payload)) + Buffer.byteLength(payloadText);

/** Whether two payloads look the same to a template, the order of keys included. */
export const samePayload = (a: Said, b: Said): boolean =>
  a.payloadText === b.payloadText &&
  (a.payload === b.payload || JSON.stringify(a.payload) === JSON.stringify(b.payload));
