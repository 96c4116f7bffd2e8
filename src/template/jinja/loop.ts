import {methodTable} from '../python/builtin.ts';
import {equal} from '../python/compare.ts';
import {raise} from '../python/fault.ts';
import {iterate, lengthOf} from '../python/iterate.ts';
import {orElse, type Thing, Undefined, type Value} from '../python/value.ts';

/** Renders a recursive loop's body over other items, one level deeper. */
export type Recurse = (items: Value, depth0: number) => Value;

const METHODS = methodTable<Loop>('loop', {
  cycle: [
    '*args',
    (loop, _, values) => {
      if (values.length === 0) raise('TypeError', 'no items for cycling given');
      return values[loop.index0 % values.length] ?? null;
    },
  ],
  changed: ['*value', (loop, _, values) => loop.changed(values)],
});

/**
 * Jinja2's `loop` (its `LoopContext`), which is also what the loop runs over. It looks one item ahead, and counts a
 * generator's items, only when asked.
 */
export class Loop implements Thing {
  readonly typeName = 'LoopContext';
  index0 = -1;
  readonly #items: Value;
  readonly #depth0: number;
  readonly #recurse: Recurse | undefined;
  #iterator: Iterator<Value>;
  #length: number | undefined;
  #ahead: {readonly value: Value} | undefined;
  #current: Value | undefined;
  #before: Value | undefined;
  #lastSeen: readonly Value[] | undefined;

  constructor(items: Value, depth0 = 0, recurse?: Recurse) {
    this.#items = items;
    this.#iterator = iterate(items);
    this.#depth0 = depth0;
    this.#recurse = recurse;
  }

  /** Goes to the next item; undefined after the last one. */
  next(): Value | undefined {
    const next = this.#peek();
    if (next === undefined) return undefined;
    this.#ahead = undefined;
    this.index0++;
    this.#before = this.#current;
    this.#current = next.value;
    return next.value;
  }

  #peek(): {readonly value: Value} | undefined {
    if (this.#ahead === undefined) {
      const {done, value} = this.#iterator.next();
      this.#ahead = done === true ? undefined : {value};
    }
    return this.#ahead;
  }

  length(): number {
    if (this.#length === undefined) {
      this.#length = lengthOf(this.#items);
      if (this.#length === undefined) {
        const rest: Value[] = [];
        for (let item = this.#iterator.next(); item.done !== true; item = this.#iterator.next()) rest.push(item.value);
        this.#iterator = rest[Symbol.iterator]();
        this.#length = rest.length + this.index0 + 1 + (this.#ahead === undefined ? 0 : 1);
      }
    }
    return this.#length;
  }

  changed(values: readonly Value[]): boolean {
    const seen = this.#lastSeen;
    if (seen?.length === values.length && seen.every((value, index) => equal(value, values[index] ?? null)))
      return false;
    this.#lastSeen = values;
    return true;
  }

  attribute(name: string): Value | undefined {
    switch (name) {
      case 'index':
        return this.index0 + 1;
      case 'index0':
        return this.index0;
      case 'first':
        return this.index0 === 0;
      case 'last':
        return this.#peek() === undefined;
      case 'length':
        return this.length();
      case 'revindex':
        return this.length() - this.index0;
      case 'revindex0':
        return this.length() - this.index0 - 1;
      case 'depth':
        return this.#depth0 + 1;
      case 'depth0':
        return this.#depth0;
      case 'previtem':
        return orElse(this.#before, () => new Undefined('there is no previous item'));
      case 'nextitem':
        return orElse(this.#peek()?.value, () => new Undefined('there is no next item'));
      default:
        return METHODS.get(name)?.(this);
    }
  }

  call(args: readonly Value[]): Value {
    if (this.#recurse === undefined) {
      raise('TypeError', "The loop must have the 'recursive' marker to be called recursively.");
    }
    const [items, ...more] = args;
    if (items === undefined || more.length > 0) raise('TypeError', 'loop() takes exactly one argument');
    return this.#recurse(items, this.#depth0 + 1);
  }

  iterate(): Iterator<Value> {
    return {
      next: () => {
        const value = this.next();
        return value === undefined ? {done: true, value: null} : {done: false, value};
      },
    };
  }

  text(): string {
    return `<LoopContext ${this.index0 + 1}/${this.length()}>`;
  }
}
