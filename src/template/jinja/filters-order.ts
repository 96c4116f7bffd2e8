import {wantInt} from '../python/builtin.ts';
import {createSeen, equal, ordered, sorted} from '../python/compare.ts';
import {Dict} from '../python/dict.ts';
import {raise} from '../python/fault.ts';
import {iterate, toList} from '../python/iterate.ts';
import {streamOf} from '../python/stream.ts';
import {truth} from '../python/truth.ts';
import {typeName} from '../python/type-name.ts';
import {Tuple, Undefined, type Value} from '../python/value.ts';
import {attributeGetter, type Getter, ignoreCase} from './attribute-path.ts';
import {operationTable} from './operation.ts';

/** The key by which a filter compares: an attribute, without regard to case unless it is asked for. */
function keyGetter(attribute: Value, caseSensitive: Value, fallback: Value = null): Getter {
  const get = attributeGetter(attribute, fallback);
  return truth(caseSensitive) ? get : item => ignoreCase(get(item));
}

function sort([values = null, reverse = false, caseSensitive = false, attribute = null]: readonly Value[]): Value {
  const paths = typeof attribute === 'string' ? attribute.split(',') : [attribute];
  const getters = paths.map(path => keyGetter(path, caseSensitive));
  const items = toList(values).map(item => ({item, keys: getters.map(get => get(item))}));
  // Jinja2 compares lists of keys; where all are texts or all ints, the keys themselves come to the same, and faster.
  const isPlain = (type: string) => items.every(({keys}) => keys.length === 1 && typeof keys[0] === type);
  const key = ({keys}: {readonly keys: Value[]}): Value => (isSimple ? (keys[0] ?? null) : keys);
  const isSimple = isPlain('string') || isPlain('number');
  return sorted(items, key, truth(wantInt(reverse))).map(({item}) => item);
}

function dictSort([value = null, caseSensitive = false, by, reverse = false]: readonly Value[]): Value {
  if (by !== 'key' && by !== 'value') raise('FilterArgumentError', 'You can only sort by either "key" or "value"');
  if (value instanceof Undefined) raise('UndefinedError', value.reason);
  if (!(value instanceof Dict)) raise('AttributeError', `'${typeName(value)}' object has no attribute 'items'`);
  const key = ([name, item]: readonly [Value, Value]): Value => {
    const compared = by === 'key' ? name : item;
    return truth(caseSensitive) ? compared : ignoreCase(compared);
  };
  return sorted([...value.entries()], key, truth(wantInt(reverse))).map(entry => new Tuple(entry));
}

function* unique(values: Value, get: Getter): Generator<Value> {
  const seen = createSeen();
  for (const item of iterate(values)) if (seen.add(get(item))) yield item;
}

function extreme(
  [values = null, caseSensitive = false, attribute = null]: readonly Value[],
  ordering: '<' | '>',
): Value {
  const get = keyGetter(attribute, caseSensitive);
  let best: {readonly item: Value; readonly key: Value} | undefined;
  for (const item of iterate(values)) {
    const key = get(item);
    if (best === undefined || ordered(key, best.key, ordering)) best = {item, key};
  }
  return best === undefined ? new Undefined('No aggregated item, sequence was empty.') : best.item;
}

function groupBy([values = null, attribute = null, fallback = null, caseSensitive = false]: readonly Value[]): Value {
  const key = keyGetter(attribute, caseSensitive, fallback);
  const shown = attributeGetter(attribute, fallback);
  const groups: {readonly key: Value; readonly items: Value[]}[] = [];
  for (const item of sorted(toList(values), key)) {
    const current = groups.at(-1);
    const own = key(item);
    if (current !== undefined && equal(current.key, own)) current.items.push(item);
    else groups.push({key: own, items: [item]});
  }
  return groups.map(group => {
    const grouper = truth(caseSensitive) ? group.key : shown(group.items[0] ?? null);
    return new Tuple([grouper, group.items], ['grouper', 'list']);
  });
}

export const ORDER_FILTERS = operationTable({
  sort: ['value reverse=False case_sensitive=False attribute=None', (_, values) => sort(values)],
  dictsort: ["value case_sensitive=False by='key' reverse=False", (_, values) => dictSort(values)],
  unique: [
    'value case_sensitive=False attribute=None',
    (_, [values = null, caseSensitive = false, attribute = null]) =>
      streamOf('generator', unique(values, keyGetter(attribute, caseSensitive))),
  ],
  min: ['value case_sensitive=False attribute=None', (_, values) => extreme(values, '<')],
  max: ['value case_sensitive=False attribute=None', (_, values) => extreme(values, '>')],
  groupby: ['value attribute default=None case_sensitive=False', (_, values) => groupBy(values)],
});
