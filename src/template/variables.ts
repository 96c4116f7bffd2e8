import {compareText} from './python/compare.ts';
import {Dict} from './python/dict.ts';
import {Float, type Value} from './python/value.ts';

/**
 * JSON as template values, frozen: objects become dicts in the order of their keys, whole numbers ints, others floats.
 * What cannot be JSON (`undefined`, functions) becomes None.
 */
export function frozenValue(json: unknown): Value {
  if (json === null || typeof json === 'string' || typeof json === 'boolean') return json;
  if (typeof json === 'number') {
    if (Number.isSafeInteger(json)) return json + 0;
    return Number.isInteger(json) ? BigInt(json) : new Float(json);
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

/** `hosts` and `services` as a template sees them: the apps by name (in code point order, `"10"` before `"2"`), each one's list in order. */
export const frozenByApp = (entries: readonly (readonly [app: string, list: readonly unknown[]])[]): Value =>
  new Dict(
    [...entries].sort(([a], [b]) => compareText(a, b)).map(([app, list]) => [app, frozenValue(list)] as const),
    true,
  );
