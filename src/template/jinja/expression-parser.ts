import {type BinaryName, type CompareName, type Expression, node} from './nodes.ts';
import {TOKEN} from './nunjucks.ts';
import {OperandParser} from './operand-parser.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const SUMS: ReadonlyMap<string, BinaryName> = new Map([
  ['+', 'Add'],
  ['-', 'Sub'],
]);
const PRODUCTS: ReadonlyMap<string, BinaryName> = new Map([
  ['*', 'Mul'],
  ['/', 'Div'],
  ['//', 'FloorDiv'],
  ['%', 'Mod'],
]);
const POWERS: ReadonlyMap<string, BinaryName> = new Map([['**', 'Pow']]);

/** Jinja2's operators (its `parser.py`) on Nunjucks' parser and tree, loosest first. Throws SyntaxError faults. */
export class ExpressionParser extends OperandParser {
  /** What stands between `{{` and `}}`, and wherever a tuple needs no parentheses. */
  parseExpression(): Expression {
    return this.parseTuple();
  }

  parseTuple(options: {conditional?: boolean; parenthesized?: boolean} = {}): Expression {
    const {conditional = true, parenthesized = false} = options;
    const at = this.peek();
    const {only, items} = this.parseItems(() => (conditional ? this.parseSingle() : this.parseOr()));
    if (only !== undefined) return only;
    if (items.length === 0 && !parenthesized) this.refuse(`expected an expression, got '${at.value}'`, at);
    return node('Group', at, {children: items});
  }

  /** What stands between commas; `only` is the one that there is where there is no comma either. */
  parseItems<T>(parse: () => T): {readonly only: T | undefined; readonly items: readonly T[]} {
    const items: T[] = [];
    while (!this.#endsTuple()) {
      items.push(parse());
      if (!this.skip(TOKEN.comma)) return {only: items.length === 1 ? items[0] : undefined, items};
    }
    return {only: undefined, items};
  }

  #endsTuple(): boolean {
    const {type} = this.peek();
    return type === TOKEN.variableEnd || type === TOKEN.blockEnd || type === TOKEN.rightParen;
  }

  parseSingle(): Expression {
    const at = this.peek();
    let body = this.parseOr();
    while (this.skipSymbol('if')) {
      const cond = this.parseOr();
      const else_ = this.skipSymbol('else') ? this.parseSingle() : null;
      body = node('InlineIf', at, {cond, body, else_});
    }
    return body;
  }

  parseOr(): Expression {
    let left = this.parseAnd();
    while (this.skipSymbol('or')) left = node('Or', left, {left, right: this.parseAnd()});
    return left;
  }

  parseAnd(): Expression {
    let left = this.parseNot();
    while (this.skipSymbol('and')) left = node('And', left, {left, right: this.parseNot()});
    return left;
  }

  parseNot(): Expression {
    const at = this.peek();
    return this.skipSymbol('not') ? node('Not', at, {target: this.parseNot()}) : this.parseCompare();
  }

  parseCompare(): Expression {
    const expr = this.parseSum();
    const ops: {type: CompareName; expr: Expression}[] = [];
    for (;;) {
      const {type, value} = this.peek();
      if (type === TOKEN.operator && COMPARISONS.has(value)) {
        this.next();
        ops.push({type: value as CompareName, expr: this.parseSum()});
      } else if (this.skipSymbol('in')) ops.push({type: 'in', expr: this.parseSum()});
      else if (type === TOKEN.symbol && value === 'not' && this.source.isNext(/in\b/y)) {
        this.next();
        this.next();
        ops.push({type: 'not in', expr: this.parseSum()});
      } else return ops.length === 0 ? expr : node('Compare', expr, {expr, ops});
    }
  }

  #parseBinary(operators: ReadonlyMap<string, BinaryName>, parse: () => Expression): Expression {
    let left = parse();
    for (;;) {
      const token = this.peek();
      const name = token.type === TOKEN.operator ? operators.get(token.value) : undefined;
      if (name === undefined) return left;
      this.next();
      left = node(name, token, {left, right: parse()});
    }
  }

  parseSum(): Expression {
    return this.#parseBinary(SUMS, () => this.parseConcatenation());
  }

  parseConcatenation(): Expression {
    const first = this.parseProduct();
    const parts = [first];
    while (this.skip(TOKEN.tilde)) parts.push(this.parseProduct());
    return parts.length === 1 ? first : node('Concat', first, {parts});
  }

  parseProduct(): Expression {
    return this.#parseBinary(PRODUCTS, () => this.#parseBinary(POWERS, () => this.parseUnary()));
  }

  /** Signs bind closer than filters, and filters than `**`. */
  parseUnary(withFilters = true): Expression {
    const token = this.peek();
    let target: Expression;
    if (this.skipValue(TOKEN.operator, '-')) target = node('Neg', token, {target: this.parseUnary(false)});
    else if (this.skipValue(TOKEN.operator, '+')) target = node('Pos', token, {target: this.parseUnary(false)});
    else target = this.parsePrimary();
    target = this.parsePostfix(target);
    return withFilters ? this.parseFilters(target) : target;
  }
}
