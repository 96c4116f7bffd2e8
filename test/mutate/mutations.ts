import {
  isBinaryExpression,
  isBlock,
  isConditionalExpression,
  isIfStatement,
  isInterfaceDeclaration,
  isNumericLiteral,
  isPostfixUnaryExpression,
  isPrefixUnaryExpression,
  isReturnStatement,
  isTypeAliasDeclaration,
  isTypeNode,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast';

/** One small fault: the text from `start` to `end` becomes `text`. */
export interface Mutation {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A mutation as a person sees it: from this line on, `was` became `becomes`. Equal texts are the same mutation. */
export interface Shown {
  readonly line: number;
  readonly was: string;
  readonly becomes: string;
}

const OPERATORS: ReadonlyMap<SyntaxKind, readonly string[]> = new Map([
  [SyntaxKind.LessThanToken, ['<=', '>=']],
  [SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
  [SyntaxKind.AmpersandAmpersandToken, ['||']],
  [SyntaxKind.BarBarToken, ['&&']],
  [SyntaxKind.PlusToken, ['-']],
  [SyntaxKind.MinusToken, ['+']],
  [SyntaxKind.PlusEqualsToken, ['-=']],
  [SyntaxKind.MinusEqualsToken, ['+=']],
]);

const LEAVES: readonly SyntaxKind[] = [
  SyntaxKind.ReturnStatement,
  SyntaxKind.ThrowStatement,
  SyntaxKind.ContinueStatement,
  SyntaxKind.BreakStatement,
];

const FUNCTIONS: readonly SyntaxKind[] = [
  SyntaxKind.ArrowFunction,
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.MethodDeclaration,
];

/** Whether a condition is turned round by no other mutation: it is a value, a call, and not a comparison. */
const isPlainCondition = (node: Node): boolean => !isBinaryExpression(node) && !isPrefixUnaryExpression(node);

/** Whether a statement is the last one of a function: nothing comes after it that it could keep from happening. */
function isAtEnd(node: Node): boolean {
  const block = node.parent;
  return isBlock(block) && FUNCTIONS.includes(block.parent.kind) && block.statements.at(-1) === node;
}

/** Whether a number is the answer of a comparison for sorting (`a < b ? -1 : 1`), whose size is nothing to anybody. */
function isSign(node: Node): boolean {
  const branch = isPrefixUnaryExpression(node.parent) ? node.parent : node;
  const choice = branch.parent;
  if (!isConditionalExpression(choice)) return false;
  const sourceOf = (one: Node): string =>
    isNumericLiteral(one) ? one.text : isPrefixUnaryExpression(one) ? `-${sourceOf(one.operand)}` : '';
  return [choice.whenTrue, choice.whenFalse].map(sourceOf).sort().join() === '-1,1';
}

/** Whether a statement, or the block it makes up, does nothing but leave. */
function leaves(node: Node): boolean {
  if (LEAVES.includes(node.kind)) return true;
  const inner: Node[] = [];
  if (node.kind === SyntaxKind.Block) {
    node.forEachChild(child => {
      inner.push(child);
    });
  }
  return inner.length === 1 && inner.every(leaves);
}

function mutationsOfNode(node: Node, source: SourceFile): Mutation[] {
  const spot = (one: Node) => ({start: one.getStart(source), end: one.end});
  const without = (one: Node): Mutation => ({...spot(one), text: ''});
  const turned = (one: Node): Mutation => ({
    ...spot(one),
    text: `!(${source.text.slice(one.getStart(source), one.end)})`,
  });
  if (isBinaryExpression(node)) {
    const {left, operatorToken: operator} = node;
    // The default in place of every value.
    if (operator.kind === SyntaxKind.QuestionQuestionToken) {
      return [{start: left.getStart(source), end: node.right.getStart(source), text: ''}];
    }
    return (OPERATORS.get(operator.kind) ?? []).map(text => ({...spot(operator), text}));
  }
  if (isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
    return [{start: node.getStart(source), end: node.operand.getStart(source), text: ''}];
  }
  if (isPrefixUnaryExpression(node) || isPostfixUnaryExpression(node)) {
    const start = isPrefixUnaryExpression(node) ? node.getStart(source) : node.operand.end;
    if (node.operator === SyntaxKind.PlusPlusToken) return [{start, end: start + 2, text: '--'}];
    return node.operator === SyntaxKind.MinusMinusToken ? [{start, end: start + 2, text: '++'}] : [];
  }
  if (node.kind === SyntaxKind.TrueKeyword) return [{...spot(node), text: 'false'}];
  if (node.kind === SyntaxKind.FalseKeyword) return [{...spot(node), text: 'true'}];
  if (isNumericLiteral(node) && isSign(node)) return [];
  if (isNumericLiteral(node)) return [{...spot(node), text: String(Number(node.text) + 1)}];
  if (isConditionalExpression(node)) return isPlainCondition(node.condition) ? [turned(node.condition)] : [];
  if (isIfStatement(node)) {
    const early = leaves(node.thenStatement) && node.elseStatement === undefined;
    return [...(isPlainCondition(node.expression) ? [turned(node.expression)] : []), ...(early ? [without(node)] : [])];
  }
  if (isReturnStatement(node)) {
    const isGuarded = isIfStatement(node.parent);
    const isNothing =
      node.expression === undefined || source.text.slice(...span(node.expression, source)) === 'undefined';
    return isNothing && !isGuarded && !isAtEnd(node) ? [without(node)] : [];
  }
  return [];
}

const span = (node: Node, source: SourceFile): [number, number] => [node.getStart(source), node.end];

/**
 * All small faults that can be made in a file, in its order: a comparison turned round or moved by one, `&&` for `||`,
 * a condition or boolean turned, a number one more, plus for minus, an early return left out, a default for every value.
 * Types are left alone. Some have no type, or change nothing that anybody can see.
 */
export function mutationsOf(source: SourceFile): Mutation[] {
  const found: Mutation[] = [];
  const visit = (node: Node): void => {
    if (isTypeNode(node) || isInterfaceDeclaration(node) || isTypeAliasDeclaration(node)) return;
    found.push(...mutationsOfNode(node, source));
    node.forEachChild(visit);
  };
  visit(source);
  return found.sort((one, other) => one.start - other.start || one.end - other.end);
}

/** The text with the fault in it. */
export const mutate = (text: string, {start, end, text: becomes}: Mutation): string =>
  text.slice(0, start) + becomes + text.slice(end);

/** The whole lines that a mutation touches, before and after, without the space at their ends. */
export function showMutation(text: string, mutation: Mutation): Shown {
  const from = text.lastIndexOf('\n', mutation.start - 1) + 1;
  const next = text.indexOf('\n', mutation.end);
  const to = next < 0 ? text.length : next;
  return {
    line: text.slice(0, from).split('\n').length,
    was: text.slice(from, to).trim(),
    becomes: (text.slice(from, mutation.start) + mutation.text + text.slice(mutation.end, to)).trim(),
  };
}
