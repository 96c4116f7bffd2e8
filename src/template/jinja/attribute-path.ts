import {lookUpItem} from '../python/subscript.ts';
import {Undefined, type Value} from '../python/value.ts';

export type Getter = (item: Value) => Value;

/** Jinja2's `make_attrgetter`: `"a.b.0"` looks up `a`, then `b`, then element 0; None gives the item itself. */
export function attributeGetter(path: Value, fallback: Value = null): Getter {
  const steps: readonly Value[] =
    typeof path === 'string'
      ? path.split('.').map(step => (/^\d+$/.test(step) ? Number(step) : step))
      : path === null
        ? []
        : [path];
  return item => {
    let value = item;
    for (const step of steps) {
      value = lookUpItem(value, step);
      if (fallback !== null && value instanceof Undefined) value = fallback;
    }
    return value;
  };
}

/** Text in lower case, all else as it is: how filters compare unless told otherwise. */
export const ignoreCase = (value: Value): Value => (typeof value === 'string' ? value.toLowerCase() : value);
