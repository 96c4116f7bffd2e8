import {call, methodTable, wantCount, wantInt} from './builtin.ts';
import {equal, sorted} from './compare.ts';
import {raise} from './fault.ts';
import {toList} from './iterate.ts';
import {checkLength} from './limits.ts';
import {repr} from './print.ts';
import {truth} from './truth.ts';
import {NO_KEYWORDS, type Tuple, type Value} from './value.ts';

/** The list, to be changed. Raises TypeError for one that was given to the template: those are frozen. */
function thawed(list: Value[]): Value[] {
  if (Object.isFrozen(list))
    raise('TypeError', "cannot change a list that was given to the template: copy it with '|list'");
  checkLength(list.length);
  return list;
}

function indexIn(items: readonly Value[], value: Value, start: Value, stop: Value): number {
  const bound = (given: Value, fallback: number): number => {
    if (given === null) return fallback;
    const index = wantCount(given);
    return index < 0 ? Math.max(0, index + items.length) : index;
  };
  const end = Math.min(items.length, bound(stop, items.length));
  for (let index = bound(start, 0); index < end; index++) if (equal(items[index] ?? null, value)) return index;
  return raise('ValueError', `${repr(value)} is not in list`);
}

const count = (items: readonly Value[], value: Value = null): number => items.filter(item => equal(item, value)).length;

export const LIST_METHODS = methodTable<Value[]>('list', {
  append: [
    'value /',
    (list, [value = null]) => {
      thawed(list).push(value);
      return null;
    },
  ],
  extend: [
    'values /',
    (list, [values = null]) => {
      const target = thawed(list);
      for (const value of toList(values)) target.push(value);
      checkLength(target.length);
      return null;
    },
  ],
  insert: [
    'index value /',
    (list, [index, value = null]) => {
      thawed(list).splice(wantCount(index), 0, value);
      return null;
    },
  ],
  remove: [
    'value /',
    (list, [value = null]) => {
      thawed(list).splice(indexIn(list, value, null, null), 1);
      return null;
    },
  ],
  pop: [
    'index=-1 /',
    (list, [given]) => {
      const index = wantCount(given);
      const place = index < 0 ? index + list.length : index;
      if (list.length === 0) raise('IndexError', 'pop from empty list');
      if (place < 0 || place >= list.length) raise('IndexError', 'pop index out of range');
      return thawed(list).splice(place, 1)[0] ?? null;
    },
  ],
  clear: [
    '',
    list => {
      thawed(list).length = 0;
      return null;
    },
  ],
  index: [
    'value start=None stop=None /',
    (list, [value = null, start = null, stop = null]) => indexIn(list, value, start, stop),
  ],
  count: ['value /', (list, [value]) => count(list, value)],
  copy: ['', list => [...list]],
  reverse: [
    '',
    list => {
      thawed(list).reverse();
      return null;
    },
  ],
  sort: [
    '**kwargs',
    (list, _values, _more, keywords) => {
      for (const name of keywords.keys()) {
        if (name !== 'key' && name !== 'reverse')
          raise('TypeError', `sort() got an unexpected keyword argument '${name}'`);
      }
      const key = keywords.get('key') ?? null;
      const target = thawed(list);
      const of = (item: Value): Value => (key === null ? item : call(key, [item], NO_KEYWORDS));
      target.splice(0, target.length, ...sorted(target, of, truth(wantInt(keywords.get('reverse') ?? false))));
      return null;
    },
  ],
});

export const TUPLE_METHODS = methodTable<Tuple>('tuple', {
  index: [
    'value start=None stop=None /',
    ({items}, [value = null, start = null, stop = null]) => indexIn(items, value, start, stop),
  ],
  count: ['value /', ({items}, [value]) => count(items, value)],
});
