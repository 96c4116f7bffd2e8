import {methodTable} from './builtin.ts';
import {equal} from './compare.ts';
import {Dict} from './dict.ts';
import {raise} from './fault.ts';
import {len, toList} from './iterate.ts';
import {repr} from './print.ts';
import {streamOf} from './stream.ts';
import {orElse, type Thing, Tuple, Undefined, type Value} from './value.ts';

const pair = ([key, value]: readonly [Value, Value]): Tuple => new Tuple([key, value]);

function* values(dict: Dict): Generator<Value> {
  for (const [, value] of dict.entries()) yield value;
}

function* items(dict: Dict): Generator<Value> {
  for (const entry of dict.entries()) yield pair(entry);
}

/** What `keys()`, `values()` and `items()` give: it follows the dict, and prints as a view does. */
function view(dict: Dict, kind: 'keys' | 'values' | 'items', iterate: () => Iterator<Value>): Thing {
  const all = (): Value[] => [...{[Symbol.iterator]: iterate}];
  const typeName = `dict_${kind}`;
  const self: Thing = {
    typeName,
    iterate,
    length: () => dict.size,
    ...(kind === 'keys' && {contains: value => dict.has(value)}),
    equals: other =>
      kind !== 'values' &&
      hasType(other, typeName) &&
      len(other) === dict.size &&
      all().every(item => toList(other).some(mine => equal(mine, item))),
    attribute: name => (name === 'mapping' ? dict : undefined),
    text: () => `${typeName}(${repr(all())})`,
  };
  return self;
}

const hasType = (value: Value, typeName: string): boolean =>
  typeof value === 'object' && value !== null && 'typeName' in value && value.typeName === typeName;

/** Key-value pairs of what `dict()` and `update()` take: a dict, or pairs. Raises TypeError or ValueError. */
export function pairsOf(source: Value): [Value, Value][] {
  if (source instanceof Undefined) raise('UndefinedError', source.reason);
  if (source instanceof Dict) return [...source.entries()];
  return toList(source).map(item => {
    const [key, value, ...more] = toList(item);
    if (key === undefined || value === undefined || more.length > 0) {
      raise('ValueError', 'dictionary update sequence element has no length 2');
    }
    return [key, value];
  });
}

export const DICT_METHODS = methodTable<Dict>('dict', {
  keys: ['', dict => view(dict, 'keys', () => dict.keys())],
  values: ['', dict => view(dict, 'values', () => values(dict))],
  items: ['', dict => view(dict, 'items', () => items(dict))],
  // Python 2's, which templates of 2017 still use.
  iterkeys: ['', dict => streamOf('dict_keyiterator', dict.keys())],
  itervalues: ['', dict => streamOf('dict_valueiterator', values(dict))],
  iteritems: ['', dict => streamOf('dict_itemiterator', items(dict))],
  get: ['key default=None /', (dict, [key = null, fallback = null]) => orElse(dict.get(key), () => fallback)],
  pop: [
    'key *rest',
    (dict, [key = null], [fallback, ...more]) => {
      if (more.length > 0) raise('TypeError', 'pop expected at most 2 arguments');
      const value = orElse(dict.get(key), () => orElse(fallback, () => raise('KeyError', repr(key))));
      dict.delete(key);
      return value;
    },
  ],
  popitem: [
    '',
    dict => {
      const last = [...dict.entries()].at(-1) ?? raise('KeyError', "'popitem(): dictionary is empty'");
      dict.delete(last[0]);
      return pair(last);
    },
  ],
  setdefault: [
    'key default=None /',
    (dict, [key = null, fallback = null]) => {
      const value = dict.get(key);
      if (value === undefined) dict.set(key, fallback);
      return value === undefined ? fallback : value;
    },
  ],
  update: [
    '*sources **kwargs',
    (dict, _, [source, ...more], keywords) => {
      if (more.length > 0) raise('TypeError', 'update expected at most 1 argument');
      for (const [key, value] of source === undefined ? [] : pairsOf(source)) dict.set(key, value);
      for (const [key, value] of keywords) dict.set(key, value);
      return null;
    },
  ],
  clear: [
    '',
    dict => {
      dict.clear();
      return null;
    },
  ],
  copy: ['', dict => new Dict(dict.entries())],
  fromkeys: [
    'keys value=None /',
    (_, [keys = null, value = null]) => new Dict(toList(keys).map(key => [key, value] as const)),
  ],
});
