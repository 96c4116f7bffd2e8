import {FieldFault} from './field-fault.ts';
import type {Json} from './member.ts';

/** Deeper payloads are refused: every later step (templates, snapshot, digest) walks them recursively. */
const MAX_DEPTH = 32;

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
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
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

/** The size of a payload as UTF-8 JSON; an empty one is free. */
export const payloadBytesOf = (payload: Json): number =>
  payload === '' ? 0 : Buffer.byteLength(JSON.stringify(payload));

/** Whether two payloads look the same to a template, the order of keys included. */
export const samePayload = (a: Json, b: Json): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);
