import type {Value} from '../python/value.ts';
import {extendNode, nodeClass} from './nunjucks.ts';

/** Where a node begins; both count from 0. */
export interface At {
  readonly lineno: number;
  readonly colno: number;
}

interface Node<T extends string> extends At {
  readonly typename: T;
}

export interface CallArguments {
  readonly args: readonly Expression[];
  readonly keywords: readonly (readonly [string, Expression])[];
  readonly moreArgs: Expression | null;
  readonly moreKeywords: Expression | null;
}

export type BinaryName = 'Add' | 'Sub' | 'Mul' | 'Div' | 'FloorDiv' | 'Mod' | 'Pow';
export type CompareName = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export interface LiteralNode extends Node<'Literal'> {
  readonly value: Value;
}
export interface SymbolNode extends Node<'Symbol'> {
  readonly value: string;
}
export interface TupleNode extends Node<'Group'> {
  readonly children: readonly Expression[];
}
export interface ListNode extends Node<'Array'> {
  readonly children: readonly Expression[];
}
export interface DictNode extends Node<'Dict'> {
  readonly children: readonly PairNode[];
}
export interface PairNode extends Node<'Pair'> {
  readonly key: Expression;
  readonly value: Expression;
}
export interface AttributeNode extends Node<'Attribute'> {
  readonly target: Expression;
  readonly name: string;
}
export interface ItemNode extends Node<'LookupVal'> {
  readonly target: Expression;
  readonly val: Expression | SliceNode;
}
export interface SliceNode extends Node<'Slice'> {
  readonly start: Expression | null;
  readonly stop: Expression | null;
  readonly step: Expression | null;
}
export interface CallNode extends Node<'FunCall'> {
  readonly name: Expression;
  readonly args: CallArguments;
}
/** `target` is null for the text of a filter block. */
export interface FilterNode extends Node<'Filter'> {
  readonly name: string;
  readonly target: Expression | null;
  readonly args: CallArguments;
}
export interface TestNode extends Node<'Is'> {
  readonly name: string;
  readonly target: Expression;
  readonly args: CallArguments;
}
export interface UnaryNode extends Node<'Not' | 'Neg' | 'Pos'> {
  readonly target: Expression;
}
export interface BinaryNode extends Node<BinaryName> {
  readonly left: Expression;
  readonly right: Expression;
}
export interface LogicNode extends Node<'And' | 'Or'> {
  readonly left: Expression;
  readonly right: Expression;
}
export interface ConcatNode extends Node<'Concat'> {
  readonly parts: readonly Expression[];
}
export interface CompareNode extends Node<'Compare'> {
  readonly expr: Expression;
  readonly ops: readonly {readonly type: CompareName; readonly expr: Expression}[];
}
export interface InlineIfNode extends Node<'InlineIf'> {
  readonly cond: Expression;
  readonly body: Expression;
  readonly else_: Expression | null;
}

export type Expression =
  | LiteralNode
  | SymbolNode
  | TupleNode
  | ListNode
  | DictNode
  | AttributeNode
  | ItemNode
  | CallNode
  | FilterNode
  | TestNode
  | UnaryNode
  | BinaryNode
  | LogicNode
  | ConcatNode
  | CompareNode
  | InlineIfNode;

/** What may be assigned to: a name, a namespace's attribute, a tuple of names. */
export interface NamespaceTarget extends Node<'NamespaceTarget'> {
  readonly name: string;
  readonly attribute: string;
}
export interface TupleTarget extends Node<'Targets'> {
  readonly children: readonly Target[];
}
export type Target = SymbolNode | NamespaceTarget | TupleTarget;

export interface OutputNode extends Node<'Output'> {
  readonly children: readonly (Expression | TextNode)[];
}
export interface TextNode extends Node<'TemplateData'> {
  readonly value: string;
}
export interface IfNode extends Node<'If'> {
  readonly branches: readonly {readonly cond: Expression; readonly body: readonly Statement[]}[];
  readonly else_: readonly Statement[];
}
export interface ForNode extends Node<'For'> {
  readonly target: Target;
  readonly arr: Expression;
  readonly test: Expression | null;
  readonly recursive: boolean;
  readonly body: readonly Statement[];
  readonly else_: readonly Statement[];
}
export interface Parameters {
  readonly names: readonly SymbolNode[];
  /** Of the last names. */
  readonly defaults: readonly Expression[];
}
export interface MacroNode extends Node<'Macro'> {
  readonly name: string;
  readonly parameters: Parameters;
  readonly body: readonly Statement[];
}
export interface CallBlockNode extends Node<'CallBlock'> {
  readonly call: CallNode;
  readonly parameters: Parameters;
  readonly body: readonly Statement[];
}
export interface SetNode extends Node<'Set'> {
  readonly target: Target;
  readonly value: Expression;
}
export interface SetBlockNode extends Node<'SetBlock'> {
  readonly target: Target;
  readonly filter: FilterNode | null;
  readonly body: readonly Statement[];
}
export interface FilterBlockNode extends Node<'FilterBlock'> {
  readonly filter: FilterNode;
  readonly body: readonly Statement[];
}
export interface WithNode extends Node<'With'> {
  readonly targets: readonly Target[];
  readonly values: readonly Expression[];
  readonly body: readonly Statement[];
}
export interface AutoescapeNode extends Node<'Autoescape'> {
  readonly value: Expression;
  readonly body: readonly Statement[];
}
export interface BlockNode extends Node<'Block'> {
  readonly name: string;
  readonly scoped: boolean;
  readonly required: boolean;
  readonly body: readonly Statement[];
}
/** `extends`, `include`, `import` and `from`: another template, and there is none. */
export interface OtherTemplateNode extends Node<'OtherTemplate'> {
  readonly tag: 'extends' | 'include' | 'import' | 'from';
  readonly template: Expression;
  readonly ignoreMissing: boolean;
  /** The names that an import assigns. */
  readonly names: readonly string[];
}

export type Statement =
  | OutputNode
  | IfNode
  | ForNode
  | MacroNode
  | CallBlockNode
  | SetNode
  | SetBlockNode
  | FilterBlockNode
  | WithNode
  | AutoescapeNode
  | BlockNode
  | OtherTemplateNode;

export type AnyNode = Expression | Target | Statement | TextNode | SliceNode | PairNode;

/** The classes whose fields are not Nunjucks' own: they extend its classes, in Jinja2's shape. */
const OWN: Readonly<Record<string, readonly [base: string, fields: readonly string[]]>> = {
  Attribute: ['Node', ['target', 'name']],
  Slice: ['Node', ['start', 'stop', 'step']],
  Filter: ['FunCall', ['name', 'target', 'args']],
  Is: ['Node', ['name', 'target', 'args']],
  Concat: ['Node', ['parts']],
  NamespaceTarget: ['Node', ['name', 'attribute']],
  Targets: ['Node', ['children']],
  If: ['If', ['branches', 'else_']],
  For: ['For', ['target', 'arr', 'test', 'recursive', 'body', 'else_']],
  Macro: ['Macro', ['name', 'parameters', 'body']],
  CallBlock: ['Node', ['call', 'parameters', 'body']],
  Set: ['Node', ['target', 'value']],
  SetBlock: ['Node', ['target', 'filter', 'body']],
  FilterBlock: ['Node', ['filter', 'body']],
  With: ['Node', ['targets', 'values', 'body']],
  Autoescape: ['Node', ['value', 'body']],
  Block: ['Block', ['name', 'scoped', 'required', 'body']],
  OtherTemplate: ['TemplateRef', ['tag', 'template', 'ignoreMissing', 'names']],
};

const FIELDS = new Map(Object.entries(OWN).map(([name, [, fields]]) => [name, fields]));
const CLASSES = new Map(
  Object.entries(OWN).map(([name, [base, fields]]) => [
    name,
    extendNode(base === 'TemplateRef' ? 'Node' : base, name, fields),
  ]),
);

type Fields<N extends AnyNode> = Omit<N, 'typename' | 'lineno' | 'colno'>;
type Named<N, T> = N extends {typename: infer U} ? (T extends U ? N : never) : never;
type NamedNode<T extends string> = Named<AnyNode, T>;

/** Makes a node of Nunjucks' syntax tree. */
export function node<T extends AnyNode['typename']>(typename: T, at: At, fields: Fields<NamedNode<T>>): NamedNode<T> {
  const order = FIELDS.get(typename) ?? Object.keys(fields);
  const values = order.map(name => Object.entries(fields).find(([field]) => field === name)?.[1]);
  const Class = CLASSES.get(typename) ?? nodeClass(typename);
  return new Class(at.lineno, at.colno, ...values) as unknown as NamedNode<T>;
}

/** Types the statements that Nunjucks' parser gathered from ours. */
export const statementsOf = (list: {readonly children: readonly unknown[]}): readonly Statement[] =>
  list.children as readonly Statement[];
