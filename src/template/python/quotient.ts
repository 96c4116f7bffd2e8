import {raise} from './fault.ts';

/** So many bits are rounded to a float's 53; the last one stands for all that follow. */
const KEPT_BITS = 66;

/** A float's last place is 2 to the power of -1074: two more tell to which side what lies behind it is rounded. */
const MAX_SHIFT = 1076;

const MAX_EXPONENT = 1024;

const bitsOf = (magnitude: bigint): number => magnitude.toString(2).length;

/** Two integers divided, rounded once, half to even, as CPython's `long_true_divide`. Raises OverflowError. */
export function quotient(a: bigint, b: bigint): number {
  const [x, y] = [Number(a), Number(b)];
  if (Number.isSafeInteger(x) && Number.isSafeInteger(y)) return x / y;
  const sign = a < 0n === b < 0n ? 1 : -1;
  const [numerator, denominator] = [a < 0n ? -a : a, b < 0n ? -b : b];
  const exponent = bitsOf(numerator) - bitsOf(denominator);
  if (exponent > MAX_EXPONENT) raise('OverflowError', 'integer division result too large for a float');
  const shift = Math.min(KEPT_BITS - exponent, MAX_SHIFT);
  const scaled = shift > 0 ? numerator << BigInt(shift) : numerator;
  const divisor = shift < 0 ? denominator << BigInt(-shift) : denominator;
  const whole = scaled / divisor;
  const bits = whole * divisor === scaled ? whole : whole | 1n;
  // In two steps: the whole power may be no float.
  const half = Math.trunc(shift / 2);
  const value = Number(bits) * 2 ** -half * 2 ** (half - shift);
  if (!Number.isFinite(value)) raise('OverflowError', 'integer division result too large for a float');
  return sign * value;
}
