import {isList, isObject, readWritten, type Written} from '../members/written-json.ts';
import type {Pod} from './input.ts';
import {compareText} from './python/compare.ts';
import {Dict} from './python/dict.ts';
import {toInt} from './python/integer.ts';
import {Float, type Value} from './python/value.ts';

/** JSON has larger numbers with an exponent: they are floats to whoever reads it. */
const WRITTEN_AS_FLOAT = 1e21;

/**
 * JSON as template values, frozen: objects become dicts in the order of their keys, whole numbers ints, others floats.
 * What cannot be JSON (`undefined`, functions) becomes None.
 */
export function frozenValue(json: unknown): Value {
  if (json === null || typeof json === 'string' || typeof json === 'boolean') return json;
  if (typeof json === 'number') {
    if (Number.isSafeInteger(json)) return json + 0;
    return Number.isInteger(json) && Math.abs(json) < WRITTEN_AS_FLOAT ? BigInt(String(json)) : new Float(json);
  }
  if (Array.isArray(json)) {
    const list = json.map(frozenValue);
    Object.freeze(list);
    return list;
  }
  if (typeof json !== 'object') return null;
  return new Dict(
    Object.entries(json).map(([key, value]) => [key, frozenValue(value)] as const),
    true,
  );
}

/** `pods` as a template sees them: a payload's text, where a pod has one, is read as Python reads JSON. */
export function frozenPods(pods: readonly Pod[]): Value {
  const list = pods.map(({payloadText, ...pod}) => {
    if (payloadText === undefined) return frozenValue(pod);
    const fields = Object.entries(pod).map(
      ([name, value]) =>
        [name, name === 'payload' ? frozenWritten(readWritten(payloadText)) : frozenValue(value)] as const,
    );
    return new Dict(fields, true);
  });
  Object.freeze(list);
  return list;
}

function frozenWritten(written: Written): Value {
  if (written === null || typeof written !== 'object') return written;
  if (isList(written)) {
    const list = written.map(frozenWritten);
    Object.freeze(list);
    return list;
  }
  if (isObject(written)) {
    const entries = [...written].map(([key, value]) => [key, frozenWritten(value)] as const);
    return new Dict(entries, true);
  }
  const {source} = written;
  return /[.eE]/.test(source) ? new Float(Number(source)) : toInt(BigInt(source));
}

/** `hosts` and `services` as a template sees them: the apps by name (in code point order, `"10"` before `"2"`), each one's list in order. */
export const frozenByApp = (entries: readonly (readonly [app: string, list: readonly unknown[]])[]): Value =>
  new Dict(
    [...entries].sort(([a], [b]) => compareText(a, b)).map(([app, list]) => [app, frozenValue(list)] as const),
    true,
  );
