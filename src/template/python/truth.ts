import {lengthOf} from './iterate.ts';
import {Float, type Value} from './value.ts';

/** `bool(value)`: None, zero and all that is empty are false. */
export function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'number') return value !== 0;
  if (value === null || value === 0n) return false;
  if (value instanceof Float) return value.value !== 0;
  return lengthOf(value) !== 0;
}
