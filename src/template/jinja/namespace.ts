import {Dict} from '../python/dict.ts';
import {repr} from '../python/print.ts';
import type {Thing, Value} from '../python/value.ts';

/** Jinja2's `namespace`: what a loop may assign to so that it is seen outside. */
export class Namespace implements Thing {
  readonly typeName = 'Namespace';
  readonly #attributes: Dict;

  constructor(attributes: Iterable<readonly [Value, Value]>) {
    this.#attributes = new Dict(attributes);
  }

  set(name: string, value: Value): void {
    this.#attributes.set(name, value);
  }

  attribute(name: string): Value | undefined {
    return this.#attributes.get(name);
  }

  text(): string {
    return `<Namespace ${repr(this.#attributes)}>`;
  }
}
