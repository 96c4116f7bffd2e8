import type {AnyNode, BlockNode, CallArguments, Parameters, SymbolNode} from './nodes.ts';

const inArguments = ({args, keywords, moreArgs, moreKeywords}: CallArguments): AnyNode[] => [
  ...args,
  ...keywords.map(([, value]) => value),
  ...some(moreArgs),
  ...some(moreKeywords),
];

const some = <T>(node: T | null): T[] => (node === null ? [] : [node]);

const inParameters = ({defaults}: Parameters): readonly AnyNode[] => defaults;

/** The nodes below a node in the order of their evaluation; names that are assigned are left to the caller. */
export function childrenOf(node: AnyNode): readonly AnyNode[] {
  switch (node.typename) {
    case 'Literal':
    case 'Symbol':
    case 'TemplateData':
    case 'NamespaceTarget':
      return [];
    case 'Group':
    case 'Targets':
    case 'Array':
    case 'Dict':
    case 'Output':
      return node.children;
    case 'Pair':
      return [node.key, node.value];
    case 'Attribute':
      return [node.target];
    case 'LookupVal':
      return [node.target, node.val];
    case 'Slice':
      return [...some(node.start), ...some(node.stop), ...some(node.step)];
    case 'FunCall':
      return [node.name, ...inArguments(node.args)];
    case 'Filter':
      return [...some(node.target), ...inArguments(node.args)];
    case 'Is':
      return [node.target, ...inArguments(node.args)];
    case 'Not':
    case 'Neg':
    case 'Pos':
      return [node.target];
    case 'Concat':
      return node.parts;
    case 'Compare':
      return [node.expr, ...node.ops.map(op => op.expr)];
    case 'InlineIf':
      return [node.cond, node.body, ...some(node.else_)];
    case 'If':
      return [...node.branches.flatMap(({cond, body}) => [cond, ...body]), ...node.else_];
    case 'For':
      return [node.target, node.arr, ...node.body, ...node.else_, ...some(node.test)];
    case 'Macro':
      return [...inParameters(node.parameters), ...node.body];
    case 'CallBlock':
      return [node.call, ...inParameters(node.parameters), ...node.body];
    case 'Set':
      return [node.target, node.value];
    case 'SetBlock':
      return [node.target, ...some(node.filter), ...node.body];
    case 'FilterBlock':
      return [...node.body, node.filter];
    case 'With':
      return [...node.targets, ...node.values, ...node.body];
    case 'Autoescape':
      return [node.value, ...node.body];
    case 'Block':
      return node.body;
    case 'OtherTemplate':
      return [node.template];
    default:
      return [node.left, node.right];
  }
}

/** The names within an assignment's target. */
export function namesIn(target: AnyNode): SymbolNode[] {
  if (target.typename === 'Symbol') return [target];
  return target.typename === 'Targets' ? target.children.flatMap(namesIn) : [];
}

const parametersOf = (node: AnyNode): readonly SymbolNode[] =>
  node.typename === 'Macro' || node.typename === 'CallBlock' ? node.parameters.names : [];

const targetsOf = (node: AnyNode): readonly AnyNode[] => {
  if (node.typename === 'For' || node.typename === 'Set' || node.typename === 'SetBlock') return [node.target];
  return node.typename === 'With' ? node.targets : [];
};

/** Those of `names` that are read below these nodes before anything assigns them; blocks are not looked into. */
export function findUndeclared(nodes: readonly AnyNode[], names: readonly string[]): ReadonlySet<string> {
  const wanted = new Set(names);
  const found = new Set<string>();
  const visit = (node: AnyNode): void => {
    if (node.typename === 'Block') return;
    for (const name of [...parametersOf(node), ...targetsOf(node).flatMap(namesIn)]) wanted.delete(name.value);
    if (node.typename === 'Symbol' && wanted.has(node.value)) found.add(node.value);
    const targets = targetsOf(node);
    for (const child of childrenOf(node)) if (!targets.includes(child)) visit(child);
  };
  for (const node of nodes) visit(node);
  return found;
}

/** All blocks below these nodes, in the order of the source. */
export function findBlocks(nodes: readonly AnyNode[]): BlockNode[] {
  return nodes.flatMap(node => [...(node.typename === 'Block' ? [node] : []), ...findBlocks(childrenOf(node))]);
}

/** The first place below a node that assigns `name`, in a `set`, a `for` or an import. */
export function findAssignment(node: AnyNode, name: string): AnyNode | undefined {
  if (node.typename !== 'With') {
    const target = targetsOf(node)
      .flatMap(namesIn)
      .find(symbol => symbol.value === name);
    if (target !== undefined) return target;
  }
  for (const child of childrenOf(node)) {
    const found = findAssignment(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
