import {toInt} from './integer.ts';

const scratch = new DataView(new ArrayBuffer(8));

/** A finite float as `mantissa * 2 ** exponent`, exactly. */
function exactly(number: number): {mantissa: bigint; exponent: number} {
  scratch.setFloat64(0, Math.abs(number));
  const bits = scratch.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  return biased === 0
    ? {mantissa: fraction, exponent: -1074}
    : {mantissa: fraction | (1n << 52n), exponent: biased - 1075};
}

/** A quotient of non-negative integers, rounded half to even. */
function dividedHalfEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  return twice > denominator || (twice === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

/** `|number| * 10 ** places`, rounded half to even as C's printf does. `places` may be negative. */
export function scaled(number: number, places: number): bigint {
  const {mantissa, exponent} = exactly(number);
  let numerator = mantissa;
  let denominator = 1n;
  if (places >= 0) numerator *= 10n ** BigInt(places);
  else denominator *= 10n ** BigInt(-places);
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  return dividedHalfEven(numerator, denominator);
}

const isNegative = (number: number): boolean => number < 0 || Object.is(number, -0);

/** `%.{places}f` of a finite float. */
export function fixed(number: number, places: number): string {
  const digits = scaled(number, places)
    .toString()
    .padStart(places + 1, '0');
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return isNegative(number) ? `-${text}` : text;
}

/** A finite float's decimal exponent and its first `count` significant digits, rounded half to even. */
function significant(number: number, count: number): {digits: string; exponent: number} {
  if (number === 0) return {digits: '0'.repeat(count), exponent: 0};
  let exponent = Math.floor(Math.log10(Math.abs(number)));
  for (;;) {
    const digits = scaled(number, count - 1 - exponent).toString();
    if (digits.length === count) return {digits, exponent};
    exponent += digits.length > count ? 1 : -1;
    // 9.99 rounds up to 10.0: one digit too many at either exponent.
    if (digits.length > count && /^10*$/.test(digits)) return {digits: digits.slice(0, count), exponent};
  }
}

/** `%.{places}e` of a finite float. */
export function exponential(number: number, places: number): string {
  const {digits, exponent} = significant(number, places + 1);
  const body = places === 0 ? digits : `${digits[0]}.${digits.slice(1)}`;
  return `${isNegative(number) ? '-' : ''}${body}e${exponentText(exponent)}`;
}

const exponentText = (exponent: number): string =>
  `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;

/** `%.{precision}g` of a finite float; `keepZeros` is the `#` flag. */
export function general(number: number, precision: number, keepZeros = false): string {
  const count = Math.max(1, precision);
  const {digits, exponent} = significant(number, count);
  const sign = isNegative(number) ? '-' : '';
  const stripped = (text: string) => (keepZeros || !text.includes('.') ? text : text.replace(/\.?0+$/, ''));
  if (exponent < -4 || exponent >= count) {
    const body = count === 1 ? digits : stripped(`${digits[0]}.${digits.slice(1)}`);
    return `${sign}${body}e${exponentText(exponent)}`;
  }
  return sign + stripped(fixed(Math.abs(number), Math.max(0, count - 1 - exponent)));
}

/** `repr(float)`: the shortest text that reads back as the same number. */
export function reprFloat(number: number): string {
  if (Number.isNaN(number)) return 'nan';
  if (!Number.isFinite(number)) return number > 0 ? 'inf' : '-inf';
  if (number === 0) return isNegative(number) ? '-0.0' : '0.0';
  const [mantissa = '', power = '0'] = Math.abs(number).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  const sign = number < 0 ? '-' : '';
  if (exponent < -4 || exponent >= 16) {
    const body = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
    return `${sign}${body}e${exponentText(exponent)}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** `round(float, places)`: half to even, on the exact value. */
export function roundFloat(number: number, places: number): number {
  if (!Number.isFinite(number) || places > 323) return number;
  if (places < -308) return isNegative(number) ? -0 : 0;
  const magnitude = Number(`${scaled(number, places)}e${-places}`);
  return isNegative(number) ? -magnitude : magnitude;
}

/** `round(int, places)` with negative places: half to even. */
export function roundInteger(int: bigint, places: number): number | bigint {
  if (places >= 0) return toInt(int);
  if (places < -5000) return 0;
  const unit = 10n ** BigInt(-places);
  const magnitude = dividedHalfEven(int < 0n ? -int : int, unit) * unit;
  return toInt(int < 0n ? -magnitude : magnitude);
}
