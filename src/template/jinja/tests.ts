import {modulo} from '../python/arithmetic.ts';
import {isCallable} from '../python/builtin.ts';
import {contains, equal, identical, type Ordering, ordered} from '../python/compare.ts';
import {Dict, keyOf} from '../python/dict.ts';
import {Fault} from '../python/fault.ts';
import {asInt} from '../python/integer.ts';
import {iterate, lengthOf} from '../python/iterate.ts';
import {str} from '../python/print.ts';
import {isLower, isUpper} from '../python/str-predicates.ts';
import {Float, Markup, Tuple, textOf, Undefined, type Value} from '../python/value.ts';
import {FILTERS} from './filters.ts';
import {type OperationWork, operationTable} from './operation.ts';

/** Whether a name is in a table; asking for what is unhashable raises TypeError. */
const isNamed = (table: ReadonlyMap<string, unknown>, name: Value): boolean => {
  keyOf(name);
  return table.has(textOf(name) ?? '');
};

function isIterable(value: Value): boolean {
  try {
    iterate(value);
    return true;
  } catch (error) {
    if (error instanceof Fault && error.kind === 'TypeError') return false;
    throw error;
  }
}

/** Has a length and takes subscripts. */
const isSequence = (value: Value): boolean => {
  if (typeof value === 'string' || Array.isArray(value)) return true;
  if (value instanceof Markup || value instanceof Tuple || value instanceof Dict || value instanceof Undefined)
    return true;
  return typeof value === 'object' && value !== null && 'item' in value && lengthOf(value) !== undefined;
};

const compare = (ordering: Ordering): readonly [string, OperationWork] => [
  'a b /',
  (_, [a = null, b = null]) => ordered(a, b, ordering),
];
const EQUAL: readonly [string, OperationWork] = ['a b /', (_, [a = null, b = null]) => equal(a, b)];
const UNEQUAL: readonly [string, OperationWork] = ['a b /', (_, [a = null, b = null]) => !equal(a, b)];

/** All of Jinja2's builtin tests by name. */
export const TESTS = operationTable({
  defined: ['value', (_, [value]) => !(value instanceof Undefined)],
  undefined: ['value', (_, [value]) => value instanceof Undefined],
  none: ['value', (_, [value]) => value === null],
  boolean: ['value', (_, [value]) => typeof value === 'boolean'],
  true: ['value', (_, [value]) => value === true],
  false: ['value', (_, [value]) => value === false],
  integer: ['value', (_, [value]) => typeof value === 'number' || typeof value === 'bigint'],
  float: ['value', (_, [value]) => value instanceof Float],
  number: ['value', (_, [value = null]) => asInt(value) !== undefined || value instanceof Float],
  string: ['value', (_, [value = null]) => textOf(value) !== undefined],
  mapping: ['value', (_, [value]) => value instanceof Dict],
  sequence: ['value', (_, [value = null]) => isSequence(value)],
  iterable: ['value', (_, [value = null]) => isIterable(value)],
  callable: ['obj /', (_, [value = null]) => value instanceof Undefined || isCallable(value)],
  escaped: ['value', (_, [value]) => value instanceof Markup],
  lower: ['value', (_, [value = null]) => isLower(str(value))],
  upper: ['value', (_, [value = null]) => isUpper(str(value))],
  odd: ['value', (_, [value = null]) => equal(modulo(value, 2), 1)],
  even: ['value', (_, [value = null]) => equal(modulo(value, 2), 0)],
  divisibleby: ['value num', (_, [value = null, by = null]) => equal(modulo(value, by), 0)],
  sameas: ['value other', (_, [value = null, other = null]) => identical(value, other)],
  in: ['value seq', (_, [value = null, values = null]) => contains(values, value)],
  filter: ['value', (_, [value = null]) => isNamed(FILTERS, value)],
  test: ['value', (_, [value = null]) => isTest(value)],
  '==': EQUAL,
  eq: EQUAL,
  equalto: EQUAL,
  '!=': UNEQUAL,
  ne: UNEQUAL,
  '>': compare('>'),
  gt: compare('>'),
  greaterthan: compare('>'),
  '>=': compare('>='),
  ge: compare('>='),
  '<': compare('<'),
  lt: compare('<'),
  lessthan: compare('<'),
  '<=': compare('<='),
  le: compare('<='),
});

const isTest = (value: Value): boolean => isNamed(TESTS, value);
