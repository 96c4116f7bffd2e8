import {Fault, raise} from './fault.ts';
import {Float, Markup, Tuple, Undefined, type Value} from './value.ts';

type Key = null | number | bigint | string | symbol | object;

const UNDEFINED_KEY = Symbol('undefined');

/** The same for all that Python holds equal as keys: `1`, `1.0` and `True`; a str and a Markup; equal tuples. */
export function keyOf(value: Value): Key {
  if (typeof value === 'string' || typeof value === 'number' || value === null) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return value;
  if (value instanceof Float) {
    const {value: number} = value;
    return Number.isInteger(number) && !Number.isSafeInteger(number) ? BigInt(number) : number;
  }
  if (value instanceof Markup) return value.text;
  if (value instanceof Tuple) return Symbol.for(`tuple ${value.items.map(item => encoded(keyOf(item))).join()}`);
  if (value instanceof Undefined) return UNDEFINED_KEY;
  if (Array.isArray(value)) raise('TypeError', "unhashable type: 'list'");
  if (value instanceof Dict) raise('TypeError', "unhashable type: 'dict'");
  return value;
}

const identities = new WeakMap<object, number>();
let nextIdentity = 1;

/** A key as text that no other key has. */
function encoded(key: Key): string {
  if (typeof key === 'string') return JSON.stringify(key);
  if (typeof key === 'symbol') return `s(${Symbol.keyFor(key) ?? 'undefined'})`;
  if (typeof key !== 'object' || key === null) return String(key);
  const identity = identities.get(key) ?? nextIdentity++;
  identities.set(key, identity);
  return `#${identity}`;
}

/**
 * A Python `dict`: any hashable key, in order of insertion, whatever its name (`length`, `constructor`, `"10"`).
 * A frozen one (the template's variables) raises TypeError when it is to be changed.
 */
export class Dict {
  #values = new Map<Key, Value>();
  /** The keys as they were given, where they differ from what they are found by (`True` is found by 1). */
  #given = new Map<Key, Value>();
  readonly frozen: boolean;

  constructor(entries: Iterable<readonly [Value, Value]> = [], frozen = false) {
    for (const [key, value] of entries) this.#put(key, value);
    this.frozen = frozen;
  }

  get size(): number {
    return this.#values.size;
  }

  has(key: Value): boolean {
    return this.#values.has(keyOf(key));
  }

  get(key: Value): Value | undefined {
    return this.#values.get(keyOf(key));
  }

  set(key: Value, value: Value): void {
    this.#checkThawed();
    this.#put(key, value);
  }

  delete(key: Value): boolean {
    this.#checkThawed();
    const found = keyOf(key);
    this.#given.delete(found);
    return this.#values.delete(found);
  }

  clear(): void {
    this.#checkThawed();
    this.#values.clear();
    this.#given.clear();
  }

  /** Keys in order. Raises RuntimeError when the dict has grown or shrunk meanwhile, as Python does. */
  *keys(): Generator<Value> {
    for (const [key] of this.entries()) yield key;
  }

  *entries(): Generator<[Value, Value]> {
    const {size} = this;
    for (const [found, value] of this.#values) {
      yield [this.#keyGiven(found), value];
      if (this.size !== size) throw new Fault('RuntimeError', 'dictionary changed size during iteration');
    }
  }

  #put(key: Value, value: Value): void {
    const found = keyOf(key);
    if (found !== key && !this.#values.has(found)) this.#given.set(found, key);
    this.#values.set(found, value);
  }

  #keyGiven(found: Key): Value {
    return this.#given.has(found) ? (this.#given.get(found) as Value) : (found as Value);
  }

  #checkThawed(): void {
    if (this.frozen) raise('TypeError', "cannot change a dict that was given to the template: copy it with 'dict(…)'");
  }
}
