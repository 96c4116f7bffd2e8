import {Dict} from '../python/dict.ts';
import {raise} from '../python/fault.ts';
import {iterate} from '../python/iterate.ts';
import {typeName} from '../python/type-name.ts';
import {type Keywords, Markup, NO_KEYWORDS, textOf, type Value} from '../python/value.ts';
import {compileExpression} from './compile-expression.ts';
import {FILTERS} from './filters.ts';
import {type Evaluate, type Frame, located, refuse} from './frame.ts';
import type {CallArguments, FilterNode, TestNode} from './nodes.ts';
import {applyOperation, type Operation} from './operation.ts';
import type {Activation} from './run.ts';
import {TESTS} from './tests.ts';

interface Given {
  readonly args: readonly Value[];
  readonly keywords: Keywords;
}

/** Evaluates a call's arguments, `*args` and `**kwargs` included. */
export function compileArguments(node: CallArguments, frame: Frame): (activation: Activation) => Given {
  const args = node.args.map(arg => compileExpression(arg, frame));
  const keywords = node.keywords.map(([name, value]) => [name, compileExpression(value, frame)] as const);
  const moreArgs = node.moreArgs === null ? undefined : compileExpression(node.moreArgs, frame);
  const moreKeywords = node.moreKeywords === null ? undefined : compileExpression(node.moreKeywords, frame);
  if (keywords.length === 0 && moreArgs === undefined && moreKeywords === undefined) {
    return activation => ({args: args.map(arg => arg(activation)), keywords: NO_KEYWORDS});
  }
  return activation => {
    const positional = args.map(arg => arg(activation));
    if (moreArgs !== undefined) positional.push(...iterate(moreArgs(activation)));
    const named = new Map(keywords.map(([name, value]) => [name, value(activation)] as const));
    for (const [name, value] of moreKeywords === undefined ? [] : entriesOf(moreKeywords(activation))) {
      if (named.has(name)) raise('TypeError', `got multiple values for keyword argument '${name}'`);
      named.set(name, value);
    }
    return {args: positional, keywords: named};
  };
}

function entriesOf(value: Value): (readonly [string, Value])[] {
  if (!(value instanceof Dict)) raise('TypeError', `argument after ** must be a mapping, not ${typeName(value)}`);
  return [...value.entries()].map(([key, entry]) => [
    textOf(key) ?? raise('TypeError', 'keywords must be strings'),
    entry,
  ]);
}

/** A filter or test by name. An unknown one is refused when the template is compiled, or behind an `if`, when reached. */
function operationOf(
  kind: 'filter' | 'test',
  table: ReadonlyMap<string, Operation>,
  node: FilterNode | TestNode,
  frame: Frame,
): Operation {
  const operation = table.get(node.name);
  if (operation !== undefined) return operation;
  const message = `No ${kind} named '${node.name}'.`;
  if (!frame.isSoft) refuse(message, node);
  return {name: node.name, signature: undefined, work: () => raise('RuntimeError', message)};
}

/** A filter; `captured` evaluates the text of a filter block. */
export function compileFilter(node: FilterNode, frame: Frame, captured?: Evaluate): Evaluate {
  const operation = operationOf('filter', FILTERS, node, frame);
  const {target} = node;
  const value =
    target !== null ? compileFiltered(target, frame, captured) : (captured ?? refuse('a filter of nothing', node));
  return compileOperation(operation, value, node, frame);
}

/** The innermost of a chain of filters stands on the text of the block. */
const compileFiltered = (target: Exclude<FilterNode['target'], null>, frame: Frame, captured?: Evaluate): Evaluate =>
  target.typename === 'Filter' && captured !== undefined
    ? compileFilter(target, frame, captured)
    : compileExpression(target, frame);

export function compileTest(node: TestNode, frame: Frame): Evaluate {
  const value = compileExpression(node.target, frame);
  return compileOperation(operationOf('test', TESTS, node, frame), value, node, frame);
}

function compileOperation(operation: Operation, value: Evaluate, node: FilterNode | TestNode, frame: Frame): Evaluate {
  const bind = compileArguments(node.args, frame);
  return located(node, activation => {
    const target = value(activation);
    const {args, keywords} = bind(activation);
    return applyOperation(operation, activation.run, [target, ...args], keywords);
  });
}

/** What a block captured, as the frame's escaping makes it. */
export function capturedValue({escaping: {autoescape, volatile}}: Frame): Evaluate {
  return ({captured, run}) => ((volatile ? run.autoescape : autoescape) ? new Markup(captured) : captured);
}
