import {Dict} from './dict.ts';
import {DICT_METHODS} from './dict-methods.ts';
import {LIST_METHODS, TUPLE_METHODS} from './list-methods.ts';
import {MARKUP_METHODS} from './markup-methods.ts';
import {numberAttribute} from './number-attributes.ts';
import {STR_METHODS} from './str-methods.ts';
import {Float, Markup, Tuple, Undefined, type Value} from './value.ts';

/** An attribute of a value, from our tables and nowhere else; undefined when it has none of that name. */
export function attributeOf(value: Value, name: string): Value | undefined {
  if (typeof value === 'string') return STR_METHODS.get(name)?.(value);
  if (value instanceof Dict) return DICT_METHODS.get(name)?.(value);
  if (Array.isArray(value)) return LIST_METHODS.get(name)?.(value);
  if (value === null || value instanceof Undefined) return undefined;
  if (value instanceof Markup) return MARKUP_METHODS.get(name)?.(value) ?? STR_METHODS.get(name)?.(value.text);
  if (value instanceof Tuple) {
    const place = value.names.indexOf(name);
    return place < 0 ? TUPLE_METHODS.get(name)?.(value) : value.items[place];
  }
  if (typeof value !== 'object' || value instanceof Float) return numberAttribute(value, name);
  return value.attribute?.(name);
}
