import {attributeOf} from './attributes.ts';
import {Dict} from './dict.ts';
import {raise} from './fault.ts';
import {asInt} from './integer.ts';
import {isAstral} from './iterate.ts';
import {repr} from './print.ts';
import {typeName} from './type-name.ts';
import {typeObject} from './type-object.ts';
import {Float, Markup, orElse, Tuple, textOf, Undefined, type Value} from './value.ts';

/** Python's `value[key]`; undefined where Python raises KeyError, IndexError or TypeError. */
function itemOf(value: Value, key: Value): Value | undefined {
  if (value instanceof Dict) {
    if (Array.isArray(key) || key instanceof Dict) return undefined;
    return value.get(key);
  }
  if (value instanceof Undefined) return raise('UndefinedError', value.reason);
  const text = textOf(value);
  const items = Array.isArray(value) ? value : value instanceof Tuple ? value.items : undefined;
  if (text !== undefined || items !== undefined) {
    const index = asInt(key);
    if (index === undefined) return undefined;
    const elements = items ?? (isAstral(text ?? '') ? [...(text ?? '')] : (text ?? ''));
    const found = elements[Number(index) < 0 ? Number(index) + elements.length : Number(index)];
    return value instanceof Markup && typeof found === 'string' ? new Markup(found) : found;
  }
  return typeof value === 'object' && value !== null && !(value instanceof Float) && 'item' in value
    ? value.item?.(key)
    : undefined;
}

/** Python's `value[key]`. Raises KeyError, IndexError or TypeError. */
export function getItemStrictly(value: Value, key: Value): Value {
  const found = itemOf(value, key);
  if (found !== undefined) return found;
  if (value instanceof Dict) raise('KeyError', repr(key));
  if (asInt(key) !== undefined && (Array.isArray(value) || value instanceof Tuple || textOf(value) !== undefined)) {
    raise('IndexError', `${typeName(value)} index out of range`);
  }
  return raise('TypeError', `'${typeName(value)}' object is not subscriptable by ${typeName(key)}`);
}

/** Python's `getattr(value, name)`; undefined where it raises AttributeError. Of `__…__`, only a type's name is in reach. */
export function getAttribute(value: Value, name: string): Value | undefined {
  if (name === '__class__') return typeObject(value);
  if (value instanceof Undefined) return raise('UndefinedError', value.reason);
  return attributeOf(value, name);
}

const nothing = (value: Value, name: Value): Undefined => {
  const type = value === null ? 'None' : `${typeName(value)} object`;
  return new Undefined(
    typeof name === 'string' ? `'${type}' has no attribute '${name}'` : `${type} has no element ${repr(name)}`,
  );
};

/** Jinja2's `value.name`: the attribute, else the element, else an Undefined that says what was missing. */
export function lookUpAttribute(value: Value, name: string): Value {
  return orElse(getAttribute(value, name), () => orElse(itemOf(value, name), () => nothing(value, name)));
}

/** Jinja2's `value[key]`: the element, else the attribute, else an Undefined that says what was missing. */
export function lookUpItem(value: Value, key: Value): Value {
  const found = itemOf(value, key);
  if (found !== undefined) return found;
  const name = textOf(key);
  return orElse(name === undefined ? undefined : getAttribute(value, name), () => nothing(value, key));
}
