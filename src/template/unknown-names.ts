import {findNearest} from '../config/edit-distance.ts';
import type {AnyNode, At, IfNode, Statement} from './jinja/nodes.ts';
import {parseTemplate} from './jinja/statement-parser.ts';
import {normalizeSource} from './jinja/tokenizer.ts';
import {childrenOf, namesIn} from './jinja/walk.ts';
import {findNamedKeys} from './named-keys.ts';

/** A name in a template that nobody gives a value, where it stands, and why it counts as unknown. */
export interface UnknownName {
  readonly at: At;
  readonly message: string;
}

/** What a template is given (docs/templates.md#variables). */
const VARIABLES = ['hosts', 'pods', 'node', 'labels', 'annotations', 'env', 'certs', 'services'];

const GLOBALS = ['range', 'dict', 'cycler', 'joiner', 'namespace', 'lipsum', 'self'];

/** What the body of a macro has beside its parameters. */
const IN_MACROS = ['caller', 'varargs', 'kwargs'];

const hintOf = (name: string, known: Iterable<string>): string => {
  const nearest = findNearest(name, known);
  return nearest === undefined ? '' : `; is it ${nearest}?`;
};

/**
 * The names that a template reads before anything gives them a value: Jinja2 prints nothing for those. A name whose being
 * there is asked for (`is defined`, `default`) is none, nor is one that some branch of an `if` has set. Throws as parsing
 * does.
 */
export function findUndefinedNames(template: string): UnknownName[] {
  const body = parseTemplate(normalizeSource(template));
  const asked = findAsked(body);
  const found: UnknownName[] = [];
  const later = findAssigned(body);
  visitAll(body, new Set([...VARIABLES, ...GLOBALS]), {
    later,
    note(name, at, known) {
      if (asked.has(name)) return;
      found.push({at, message: `'${name}' is undefined${hintOf(name, known)}`});
    },
  });
  return found;
}

/** The apps that a template names, and that are none of these. Throws as parsing does. */
export function findUnknownApps(template: string, apps: readonly string[]): UnknownName[] {
  const known = new Set(apps);
  const list = apps.length === 0 ? 'there is none' : `the apps are ${apps.join(', ')}`;
  return findNamedKeys(template, 'hosts')
    .filter(({name}) => !known.has(name))
    .map(({name, at}) => ({at, message: `hosts has no app '${name}'${hintOf(name, known) || `: ${list}`}`}));
}

interface Visit {
  readonly note: (name: string, at: At, known: ReadonlySet<string>) => void;
  /** All that is assigned anywhere: a macro may be called behind it. */
  readonly later: readonly string[];
}

/** The names that any `set` or `macro` assigns. */
const findAssigned = (nodes: readonly AnyNode[]): string[] =>
  nodes.flatMap(node => {
    const own = node.typename === 'Set' || node.typename === 'SetBlock' ? valuesOf([node.target]) : [];
    return [...own, ...(node.typename === 'Macro' ? [node.name] : []), ...findAssigned(childrenOf(node))];
  });

/** The names that `is defined`, `is undefined` and `default` are asked of. */
function findAsked(nodes: readonly AnyNode[]): ReadonlySet<string> {
  const asked = new Set<string>();
  const visit = (node: AnyNode): void => {
    const isTest = node.typename === 'Is' && /^(?:un)?defined$/.test(node.name);
    const isFilter = node.typename === 'Filter' && /^(?:d|default)$/.test(node.name);
    if ((isTest || isFilter) && node.target?.typename === 'Symbol') asked.add(node.target.value);
    for (const child of childrenOf(node)) visit(child);
  };
  for (const node of nodes) visit(node);
  return asked;
}

/** Goes through the nodes in the order in which they run; what they assign is in `known` from then on. */
function visitAll(nodes: readonly AnyNode[], known: Set<string>, at: Visit): void {
  for (const node of nodes) visit(node, known, at);
}

const within = (known: ReadonlySet<string>, names: readonly string[]): Set<string> => new Set([...known, ...names]);

const valuesOf = (nodes: readonly AnyNode[]): string[] => nodes.flatMap(namesIn).map(({value}) => value);

function visit(node: AnyNode, known: Set<string>, at: Visit): void {
  switch (node.typename) {
    case 'Symbol':
      if (!known.has(node.value)) at.note(node.value, node, known);
      break;
    case 'NamespaceTarget':
      if (!known.has(node.name)) at.note(node.name, node, known);
      break;
    case 'Set':
      visit(node.value, known, at);
      assign(node.target, known, at);
      break;
    case 'SetBlock':
      if (node.filter !== null) visit(node.filter, known, at);
      visitAll(node.body, within(known, []), at);
      assign(node.target, known, at);
      break;
    case 'If':
      visitIf(node, known, at);
      break;
    default:
      visitScope(node, known, at);
  }
}

function assign(target: AnyNode, known: Set<string>, at: Visit): void {
  if (target.typename === 'NamespaceTarget') visit(target, known, at);
  if (target.typename === 'Targets') for (const child of target.children) assign(child, known, at);
  for (const name of valuesOf([target])) known.add(name);
}

/** Each branch begins with what was known before; behind the `if`, what any of them set is known. */
function visitIf({branches, else_}: IfNode, known: Set<string>, at: Visit): void {
  const before = within(known, []);
  for (const {cond, body} of [...branches, {cond: undefined, body: else_}]) {
    if (cond !== undefined) visit(cond, before, at);
    const branch = within(before, []);
    visitAll(body, branch, at);
    for (const name of branch) known.add(name);
  }
}

/** What has names of its own for its body. */
function visitScope(node: Exclude<AnyNode, IfNode>, known: Set<string>, at: Visit): void {
  switch (node.typename) {
    case 'For': {
      visit(node.arr, known, at);
      const inner = within(known, [...valuesOf([node.target]), 'loop']);
      if (node.test !== null) visit(node.test, inner, at);
      visitAll(node.body, inner, at);
      visitAll(node.else_, within(known, []), at);
      break;
    }
    case 'Macro':
      known.add(node.name);
      visitMacro(node, known, at);
      break;
    case 'CallBlock':
      visit(node.call, known, at);
      visitMacro(node, known, at);
      break;
    case 'With':
      visitAll(node.values, known, at);
      visitAll(node.body, within(known, valuesOf(node.targets)), at);
      break;
    case 'FilterBlock':
      visit(node.filter, known, at);
      visitAll(node.body, within(known, []), at);
      break;
    case 'Block':
      visitAll(node.body, within(known, ['super']), at);
      break;
    case 'OtherTemplate':
      for (const name of node.names) known.add(name);
      visit(node.template, known, at);
      break;
    default:
      visitAll(childrenOf(node), known, at);
  }
}

function visitMacro(
  node: Extract<Statement, {typename: 'Macro' | 'CallBlock'}>,
  known: ReadonlySet<string>,
  at: Visit,
): void {
  const inner = within(known, [...at.later, ...valuesOf(node.parameters.names), ...IN_MACROS]);
  visitAll(node.parameters.defaults, inner, at);
  visitAll(node.body, inner, at);
}
