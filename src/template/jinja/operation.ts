import {bindArguments, parseSignature, type Signature} from '../python/signature.ts';
import type {Keywords, Value} from '../python/value.ts';
import type {Run} from './run.ts';

/** What a filter or test does: the run, its parameters in order, then what `*args` and `**kwargs` took. */
export type OperationWork = (run: Run, values: readonly Value[], more: readonly Value[], keywords: Keywords) => Value;

/** A filter or a test. The first of its arguments is the value it is applied to. */
export interface Operation {
  readonly name: string;
  /** Undefined for one that takes anything. */
  readonly signature: Signature | undefined;
  readonly work: OperationWork;
}

/** A table of operations from `name: [signature, work]`. */
export const operationTable = (
  table: Readonly<Record<string, readonly [signature: string, work: OperationWork]>>,
): ReadonlyMap<string, Operation> =>
  new Map(Object.entries(table).map(([name, [text, work]]) => [name, {name, signature: parseSignature(text), work}]));

export function applyOperation(
  {name, signature, work}: Operation,
  run: Run,
  args: readonly Value[],
  keywords: Keywords,
): Value {
  if (signature === undefined) return work(run, args, [], keywords);
  const bound = bindArguments(name, signature, args, keywords);
  return work(run, bound.values, bound.more, bound.keywords);
}
