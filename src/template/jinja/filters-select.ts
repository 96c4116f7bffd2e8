import {raise} from '../python/fault.ts';
import {iterate} from '../python/iterate.ts';
import {quoted, repr} from '../python/print.ts';
import {streamOf} from '../python/stream.ts';
import {truth} from '../python/truth.ts';
import {type Keywords, textOf, Undefined, type Value} from '../python/value.ts';
import {attributeGetter, type Getter} from './attribute-path.ts';
import {FILTERS} from './filters.ts';
import {applyOperation, type Operation, type OperationWork, operationTable} from './operation.ts';
import type {Run} from './run.ts';
import {TESTS} from './tests.ts';

/** A filter or test that was named by a value. Raises RuntimeError for an unknown one. */
function named(kind: 'filter' | 'test', table: ReadonlyMap<string, Operation>, name: Value): Operation {
  const operation = table.get(textOf(name) ?? '');
  if (operation !== undefined) return operation;
  const hint = name instanceof Undefined ? ` (${name.reason}; did you forget to quote the callable name?)` : '';
  return raise('RuntimeError', `No ${kind} named ${repr(name)}.${hint}`);
}

function mapper(run: Run, args: readonly Value[], keywords: Keywords): Getter {
  const attribute = keywords.get('attribute');
  if (args.length === 0 && attribute !== undefined) {
    for (const name of keywords.keys()) {
      if (name !== 'attribute' && name !== 'default')
        raise('FilterArgumentError', `Unexpected keyword argument ${quoted(name)}`);
    }
    return attributeGetter(attribute, keywords.get('default') ?? null);
  }
  const [name, ...more] = args;
  if (name === undefined) raise('FilterArgumentError', 'map requires a filter argument');
  return item => applyOperation(named('filter', FILTERS, name), run, [item, ...more], keywords);
}

function* mapped(run: Run, values: Value, args: readonly Value[], keywords: Keywords): Generator<Value> {
  if (!truth(values)) return;
  const get = mapper(run, args, keywords);
  for (const item of iterate(values)) {
    run.step();
    yield get(item);
  }
}

interface Selection {
  /** Whether items that pass the test are kept. */
  readonly keeps: boolean;
  readonly byAttribute: boolean;
}

function* selected(
  run: Run,
  values: Value,
  given: readonly Value[],
  keywords: Keywords,
  {keeps, byAttribute}: Selection,
): Generator<Value> {
  if (!truth(values)) return;
  const [attribute, ...others] = given;
  if (byAttribute && attribute === undefined) raise('FilterArgumentError', 'Missing parameter for attribute name');
  const get = byAttribute ? attributeGetter(attribute ?? null) : (item: Value) => item;
  const [name, ...args] = byAttribute ? others : given;
  const test = (item: Value): Value =>
    name === undefined ? item : applyOperation(named('test', TESTS, name), run, [item, ...args], keywords);
  for (const item of iterate(values)) {
    run.step();
    if (truth(test(get(item))) === keeps) yield item;
  }
}

const selecting =
  (selection: Selection): OperationWork =>
  (run, [values = null], args, keywords) =>
    streamOf('generator', selected(run, values, args, keywords, selection));

export const SELECT_FILTERS = operationTable({
  map: [
    'value *args **kwargs',
    (run, [values = null], args, keywords) => streamOf('generator', mapped(run, values, args, keywords)),
  ],
  select: ['value *args **kwargs', selecting({keeps: true, byAttribute: false})],
  reject: ['value *args **kwargs', selecting({keeps: false, byAttribute: false})],
  selectattr: ['value *args **kwargs', selecting({keeps: true, byAttribute: true})],
  rejectattr: ['value *args **kwargs', selecting({keeps: false, byAttribute: true})],
});
