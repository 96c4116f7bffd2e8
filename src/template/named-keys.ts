import type {AnyNode, At, Expression} from './jinja/nodes.ts';
import {parseTemplate} from './jinja/statement-parser.ts';
import {normalizeSource} from './jinja/tokenizer.ts';
import {childrenOf} from './jinja/walk.ts';

/** A key of a variable that a template names itself, and where. */
export interface NamedKey {
  readonly name: string;
  readonly at: At;
}

const DICT_METHODS = new Set(
  'clear copy get items iteritems iterkeys itervalues keys pop popitem setdefault update values'.split(' '),
);

/** What a template names of a dict: `hosts.web`, `hosts['web']`, `hosts.get('web')`, in the order of the text. Throws as parsing does. */
export function findNamedKeys(template: string, variable: string): NamedKey[] {
  const found: NamedKey[] = [];
  const isIt = (node: Expression): boolean => node.typename === 'Symbol' && node.value === variable;
  const addLiteral = (node: AnyNode, at: At): void => {
    if (node.typename === 'Literal' && typeof node.value === 'string') found.push({name: node.value, at});
  };
  const visit = (node: AnyNode): void => {
    if (node.typename === 'Attribute' && isIt(node.target) && !DICT_METHODS.has(node.name))
      found.push({name: node.name, at: node});
    if (node.typename === 'LookupVal' && isIt(node.target)) addLiteral(node.val, node);
    if (node.typename === 'FunCall' && node.name.typename === 'Attribute' && isIt(node.name.target)) {
      const [first] = node.args.args;
      if (node.name.name === 'get' && first !== undefined) addLiteral(first, node);
    }
    for (const child of childrenOf(node)) visit(child);
  };
  for (const statement of parseTemplate(normalizeSource(template))) visit(statement);
  return found;
}
