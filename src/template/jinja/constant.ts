import {Dict} from '../python/dict.ts';
import {Float, Markup, Tuple, type Value} from '../python/value.ts';
import type {AnyNode, CallArguments, Expression} from './nodes.ts';
import {childrenOf} from './walk.ts';

/** Filters that Jinja2 never evaluates ahead: they need the render's context. */
const CONTEXT_FILTERS = new Set(['map', 'select', 'reject', 'selectattr', 'rejectattr', 'random']);

/**
 * Whether Jinja2's optimizer would evaluate this expression when it compiles the template. It shows in places: in an
 * `autoescape` block, and where a slice is of the wrong type.
 */
export function isConstant(node: Expression, volatile: boolean): boolean {
  const all = (nodes: readonly Expression[]): boolean => nodes.every(child => isConstant(child, volatile));
  switch (node.typename) {
    case 'Literal':
      return true;
    case 'Symbol':
    case 'FunCall':
      return false;
    case 'Group':
    case 'Array':
      return all(node.children);
    case 'Dict':
      return all(node.children.flatMap(({key, value}) => [key, value]));
    case 'Attribute':
      return all([node.target]);
    case 'LookupVal': {
      const {val} = node;
      const parts = val.typename === 'Slice' ? [val.start, val.stop, val.step].filter(part => part !== null) : [val];
      return all([node.target, ...parts]);
    }
    case 'Filter':
      if (volatile || node.target === null || CONTEXT_FILTERS.has(node.name)) return false;
      return all([node.target, ...argumentsOf(node.args)]);
    case 'Is':
      return !volatile && all([node.target, ...argumentsOf(node.args)]);
    case 'Not':
    case 'Neg':
    case 'Pos':
      return all([node.target]);
    case 'Concat':
      return all(node.parts);
    case 'Compare':
      return all([node.expr, ...node.ops.map(op => op.expr)]);
    case 'InlineIf':
      return all([node.cond, node.body, ...(node.else_ === null ? [] : [node.else_])]);
    default:
      return all([node.left, node.right]);
  }
}

const argumentsOf = ({args, keywords, moreArgs, moreKeywords}: CallArguments): Expression[] => [
  ...args,
  ...keywords.map(([, value]) => value),
  ...[moreArgs, moreKeywords].filter(node => node !== null),
];

/** Whether evaluating an expression ahead, as the optimizer does, can come to something else: it slices a constant. */
export const mayFold = (node: Expression, volatile: boolean): boolean => hasSlice(node) && isConstant(node, volatile);

const hasSlice = (node: AnyNode): boolean => node.typename === 'Slice' || childrenOf(node).some(hasSlice);

/** Whether the optimizer keeps a value that it came to (Jinja2's `has_safe_repr`). */
export function isFoldable(value: Value): boolean {
  if (Array.isArray(value)) return value.every(isFoldable);
  if (value instanceof Tuple) return value.items.every(isFoldable);
  if (value instanceof Dict) return [...value.entries()].every(([key, item]) => isFoldable(key) && isFoldable(item));
  return value === null || typeof value !== 'object' || value instanceof Float || value instanceof Markup;
}
