import {asInt, asNumber} from './integer.ts';
import type {Value} from './value.ts';

/** Two numbers brought to one kind: exact integers, or floats when either is one. */
export type NumberPair =
  | {readonly is: 'int'; readonly a: bigint; readonly b: bigint}
  | {readonly is: 'float'; readonly a: number; readonly b: number};

/** Undefined when either is no number. */
export function fromBoth(a: Value, b: Value): NumberPair | undefined {
  const left = asInt(a);
  const right = asInt(b);
  if (left !== undefined && right !== undefined) return {is: 'int', a: BigInt(left), b: BigInt(right)};
  const x = asNumber(a);
  const y = x === undefined ? undefined : asNumber(b);
  return x === undefined || y === undefined ? undefined : {is: 'float', a: x, b: y};
}
