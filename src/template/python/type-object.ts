import {typeName} from './type-name.ts';
import type {Thing, Value} from './value.ts';

/** Python's `value.__class__`: a name to be printed, and no way to anything else. */
export function typeObject(value: Value): Thing {
  const name = typeName(value);
  return {
    typeName: 'type',
    attribute: attribute => (attribute === '__name__' ? name : undefined),
    equals: other => isTypeObject(other) && other.attribute?.('__name__') === name,
    text: () => `<class '${qualified(name)}'>`,
  };
}

const isTypeObject = (value: Value): value is Thing =>
  typeof value === 'object' && value !== null && 'typeName' in value && value.typeName === 'type';

const MODULES: ReadonlyMap<string, string> = new Map([
  ['Markup', 'markupsafe.Markup'],
  ['Undefined', 'jinja2.runtime.Undefined'],
  ['Macro', 'jinja2.runtime.Macro'],
  ['LoopContext', 'jinja2.runtime.LoopContext'],
]);

const qualified = (name: string): string => MODULES.get(name) ?? name;
