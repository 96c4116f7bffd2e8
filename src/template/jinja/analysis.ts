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
      symbols.load(node.value);
      break;
    case 'If':
      trackIf(node, symbols);
      break;
    case 'Macro':
      symbols.store(node.name);
      break;
    case 'Set':
      track(node.value, symbols);
      trackTarget(node.target, symbols);
      break;
    case 'SetBlock':
      trackTarget(node.target, symbols);
      break;
    case 'For':
      track(node.arr, symbols);
      break;
    case 'CallBlock':
      track(node.call, symbols);
      break;
    case 'FilterBlock':
      track(node.filter, symbols);
      break;
    case 'With':
      trackAll(node.values, symbols);
      break;
    case 'OtherTemplate':
      track(node.template, symbols);
      for (const name of node.names) symbols.store(name);
      break;
    case 'Block':
    case 'Autoescape':
      break;
    default:
      trackAll(childrenOf(node), symbols);
  }
}

function trackTarget(target: Target, symbols: Symbols): void {
  if (target.typename === 'NamespaceTarget') symbols.load(target.name);
  else if (target.typename === 'Symbol') symbols.store(target.value);
  else for (const child of target.children) trackTarget(child, symbols);
}

function trackIf(node: IfNode, symbols: Symbols): void {
  const [first, ...others] = node.branches;
  if (first !== undefined) track(first.cond, symbols);
  const body = symbols.copy();
  trackAll(first?.body ?? [], body);
  const elifs = symbols.copy();
  // Jinja2 keeps an `elif` as an `if` without an `else` of its own.
  for (const other of others) trackIf(withoutElse(node, other), elifs);
  const else_ = symbols.copy();
  trackAll(node.else_, else_);
  symbols.updateFromBranches([body, elifs, else_]);
}

const withoutElse = ({typename, lineno, colno}: IfNode, branch: IfNode['branches'][number]): IfNode => ({
  typename,
  lineno,
  colno,
  branches: [branch],
  else_: [],
});

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
