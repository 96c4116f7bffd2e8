import type {AnyNode, ForNode, IfNode, Statement, Target} from './nodes.ts';
import type {Symbols} from './symbols.ts';
import {childrenOf, namesIn} from './walk.ts';

/**
 * Enters into `symbols` the names that these nodes read and assign, as Jinja2's `FrameSymbolVisitor` does: bodies that
 * have a frame of their own (loops, macros, `with`, blocks, captures) are not looked into.
 */
export function trackAll(nodes: readonly AnyNode[], symbols: Symbols): void {
  for (const node of nodes) track(node, symbols);
}

function track(node: AnyNode, symbols: Symbols): void {
  switch (node.typename) {
    case 'Symbol':
      return symbols.load(node.value);
    case 'If':
      return trackIf(node, symbols);
    case 'Macro':
      return symbols.store(node.name);
    case 'Set':
      track(node.value, symbols);
      return trackTarget(node.target, symbols);
    case 'SetBlock':
      return trackTarget(node.target, symbols);
    case 'For':
      return track(node.arr, symbols);
    case 'CallBlock':
      return track(node.call, symbols);
    case 'FilterBlock':
      return track(node.filter, symbols);
    case 'With':
      return trackAll(node.values, symbols);
    case 'OtherTemplate':
      track(node.template, symbols);
      for (const name of node.names) symbols.store(name);
      return;
    case 'Block':
    case 'Autoescape':
      return;
    default:
      trackAll(childrenOf(node), symbols);
  }
}

function trackTarget(target: Target, symbols: Symbols): void {
  if (target.typename === 'NamespaceTarget') symbols.load(target.name);
  for (const name of namesIn(target)) symbols.store(name.value);
}

function trackIf(node: IfNode, symbols: Symbols): void {
  const branch = (nodes: () => void, of: Symbols): Symbols => {
    nodes();
    return of;
  };
  const [first, ...others] = node.branches;
  if (first !== undefined) track(first.cond, symbols);
  const body = symbols.copy();
  const elifs = symbols.copy();
  const else_ = symbols.copy();
  // Jinja2 keeps an `elif` as an `if` without an `else` of its own.
  symbols.updateFromBranches([
    branch(() => trackAll(first?.body ?? [], body), body),
    branch(() => others.forEach(other => trackIf({...node, branches: [other], else_: []} as IfNode, elifs)), elifs),
    branch(() => trackAll(node.else_, else_), else_),
  ]);
}

/** The frame of a loop's body, its `else` or its filter. */
export function trackFor(node: ForNode, part: 'body' | 'else' | 'test', symbols: Symbols): void {
  if (part !== 'else') for (const name of namesIn(node.target)) symbols.declareParameter(name.value);
  if (part === 'test') trackAll(node.test === null ? [] : [node.test], symbols);
  else trackAll(part === 'body' ? node.body : node.else_, symbols);
}

/** The frame of a macro or of a call block's caller. */
export function trackMacro(node: Extract<Statement, {typename: 'Macro' | 'CallBlock'}>, symbols: Symbols): void {
  for (const name of node.parameters.names) symbols.declareParameter(name.value);
  trackAll(node.parameters.defaults, symbols);
  trackAll(node.body, symbols);
}

/** The frame of a `with`. */
export function trackWith(targets: readonly Target[], body: readonly Statement[], symbols: Symbols): void {
  for (const name of targets.flatMap(namesIn)) symbols.declareParameter(name.value);
  trackAll(body, symbols);
}
