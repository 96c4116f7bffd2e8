import {wantCount} from './builtin.ts';
import {raise} from './fault.ts';
import {isAstral} from './iterate.ts';
import {typeName} from './type-name.ts';
import {Markup, Tuple, textOf, Undefined, type Value} from './value.ts';

/** The parts of `[start:stop:step]`; None where nothing was given. */
export interface Slice {
  readonly start: Value;
  readonly stop: Value;
  readonly step: Value;
}

/** Python's `value[start:stop:step]` on text (by character), lists, tuples and ranges. Raises TypeError for others. */
export function sliceOf(value: Value, slice: Slice): Value {
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  const text = textOf(value);
  if (text !== undefined) {
    const characters = isAstral(text) ? [...text] : text;
    const picked = indices(characters.length, slice).map(index => characters[index] ?? '');
    return value instanceof Markup ? new Markup(picked.join('')) : picked.join('');
  }
  if (Array.isArray(value)) return indices(value.length, slice).map(index => value[index] ?? null);
  if (value instanceof Tuple)
    return new Tuple(indices(value.items.length, slice).map(index => value.items[index] ?? null));
  const sliced = typeof value === 'object' && value !== null && 'slice' in value ? value : undefined;
  if (isSliceable(sliced)) return sliced.slice(slice);
  return raise('TypeError', `'${typeName(value)}' object cannot be sliced`);
}

/** A Thing that can be sliced (`range`). */
export interface Sliceable {
  slice(slice: Slice): Value;
}

const isSliceable = (value: unknown): value is Sliceable =>
  typeof value === 'object' && value !== null && 'slice' in value && typeof value.slice === 'function';

/** Start, stop and step for a length, as `slice.indices` gives them. Raises ValueError for step 0. */
export function resolveSlice(length: number, {start, stop, step}: Slice): {start: number; stop: number; step: number} {
  const by = step === null ? 1 : wantCount(step);
  if (by === 0) raise('ValueError', 'slice step cannot be zero');
  const [low, high] = by > 0 ? [0, length] : [-1, length - 1];
  const bound = (given: Value, fallback: number): number => {
    if (given === null) return fallback;
    const index = wantCount(given);
    return Math.max(low, Math.min(high, index < 0 ? index + length : index));
  };
  return {start: bound(start, by > 0 ? low : high), stop: bound(stop, by > 0 ? high : low), step: by};
}

function indices(length: number, slice: Slice): number[] {
  const {start, stop, step} = resolveSlice(length, slice);
  const picked: number[] = [];
  for (let index = start; step > 0 ? index < stop : index > stop; index += step) picked.push(index);
  return picked;
}

/** `text[start:stop]` by character, as methods such as `find` take it. */
export function spanOf(text: string, start: Value | undefined, stop: Value | undefined): {text: string; start: number} {
  const characters = isAstral(text) ? [...text] : undefined;
  const length = characters?.length ?? text.length;
  const span = resolveSlice(length, {start: start ?? null, stop: stop ?? null, step: null});
  if (span.start > span.stop || wantsPastEnd(start, length)) return {text: '', start: -1};
  return {
    text: characters?.slice(span.start, span.stop).join('') ?? text.slice(span.start, span.stop),
    start: span.start,
  };
}

/** A start past the end matches nothing, not even the empty text. */
const wantsPastEnd = (start: Value | undefined, length: number): boolean =>
  start !== null && start !== undefined && wantCount(start) > length;
