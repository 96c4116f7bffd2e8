import {methodTable, wantCount} from './builtin.ts';
import {raise} from './fault.ts';
import {asInt, asNumber} from './integer.ts';
import {MAX_RANGE} from './limits.ts';
import {repr} from './print.ts';
import {resolveSlice, type Slice, type Sliceable} from './slice.ts';
import type {Thing, Value} from './value.ts';

/** Python's `range(stop)`, `range(start, stop, step)`; over MAX_RANGE elements raise OverflowError, as in a sandbox. */
export function createRange(args: readonly Value[]): Thing {
  if (args.length === 0 || args.length > 3) raise('TypeError', 'range expected 1 to 3 arguments');
  const [first = 0, second, third] = args.map(wantCount);
  if (third === 0) raise('ValueError', 'range() arg 3 must not be zero');
  const range = second === undefined ? new Range(0, first, 1) : new Range(first, second, third ?? 1);
  if (range.length() > MAX_RANGE)
    raise('OverflowError', `Range too big. The sandbox blocks ranges larger than ${MAX_RANGE}.`);
  return range;
}

const METHODS = methodTable<Range>('range', {
  count: ['value /', (range, [value = null]) => (range.contains(value) ? 1 : 0)],
  index: ['value /', (range, [value = null]) => range.indexOf(value)],
});

class Range implements Thing, Sliceable {
  readonly typeName = 'range';
  readonly #start: number;
  readonly #stop: number;
  readonly #step: number;

  constructor(start: number, stop: number, step: number) {
    this.#start = start;
    this.#stop = stop;
    this.#step = step;
  }

  length(): number {
    return Math.max(0, Math.ceil((this.#stop - this.#start) / this.#step));
  }

  *iterate(): Generator<Value> {
    const length = this.length();
    for (let index = 0; index < length; index++) yield this.#start + index * this.#step;
  }

  item(key: Value): Value | undefined {
    const int = asInt(key);
    if (int === undefined) return undefined;
    const length = this.length();
    const index = Number(int) < 0 ? Number(int) + length : Number(int);
    return index < 0 || index >= length ? undefined : this.#start + index * this.#step;
  }

  indexOf(value: Value): number {
    const number = asNumber(value);
    const index = number === undefined ? -1 : (number - this.#start) / this.#step;
    if (!Number.isInteger(index) || index < 0 || index >= this.length())
      raise('ValueError', `${repr(value)} is not in range`);
    return index;
  }

  contains(value: Value): boolean {
    const number = asNumber(value);
    const index = number === undefined ? -1 : (number - this.#start) / this.#step;
    return Number.isInteger(index) && index >= 0 && index < this.length();
  }

  equals(other: Value): boolean {
    if (!(other instanceof Range) || other.length() !== this.length()) return false;
    const length = this.length();
    return length === 0 || (this.item(0) === other.item(0) && this.item(length - 1) === other.item(length - 1));
  }

  slice(slice: Slice): Value {
    const {start, stop, step} = resolveSlice(this.length(), slice);
    return new Range(this.#start + start * this.#step, this.#start + stop * this.#step, this.#step * step);
  }

  attribute(name: string): Value | undefined {
    if (name === 'start') return this.#start;
    if (name === 'stop') return this.#stop;
    return name === 'step' ? this.#step : METHODS.get(name)?.(this);
  }

  text(): string {
    return this.#step === 1
      ? `range(${this.#start}, ${this.#stop})`
      : `range(${this.#start}, ${this.#stop}, ${this.#step})`;
  }
}
