import {methodTable} from './builtin.ts';
import {asInt, type Int} from './integer.ts';
import {Float, type Value} from './value.ts';

const INT_METHODS = methodTable<Int>('int', {
  bit_length: ['', int => (int === 0 ? 0 : int.toString(2).replace('-', '').length)],
  bit_count: ['', int => int.toString(2).replace(/[-0]/g, '').length],
  conjugate: ['', int => int],
});

const FLOAT_METHODS = methodTable<Float>('float', {
  is_integer: ['', float => Number.isInteger(float.value)],
  conjugate: ['', float => float],
});

/** Attributes of `int`, `bool` and `float`. */
export function numberAttribute(value: number | bigint | boolean | Float, name: string): Value | undefined {
  const int = asInt(value);
  if (value instanceof Float) {
    if (name === 'real') return value;
    return name === 'imag' ? new Float(0) : FLOAT_METHODS.get(name)?.(value);
  }
  if (int === undefined) return undefined;
  if (name === 'real' || name === 'numerator') return int;
  if (name === 'imag') return 0;
  if (name === 'denominator') return 1;
  return INT_METHODS.get(name)?.(int);
}
