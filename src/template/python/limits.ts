import {raise} from './fault.ts';

/** `range()` gives no more, as in Jinja2's own sandbox. */
export const MAX_RANGE = 100_000;

/** No text or list that one operation makes (repetition, padding, joining) may be longer. */
export const MAX_LENGTH = 4_000_000;

/** No integer may have more bits: Python prints none of more than 4,300 digits either. */
export const MAX_BITS = 16_384;

/** Returns the length, unless an operation that asks for so much would exhaust the renderer. */
export function checkLength(length: number): number {
  if (length > MAX_LENGTH) raise('LimitError', `a value of ${length} elements is over the limit of ${MAX_LENGTH}`);
  return length;
}
