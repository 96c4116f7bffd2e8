import {Fault} from '../python/fault.ts';
import {parseInteger} from '../python/integer.ts';
import {Float, type Value} from '../python/value.ts';
import {
  type At,
  type CallArguments,
  type CallNode,
  type Expression,
  type FilterNode,
  node,
  type PairNode,
  type SliceNode,
} from './nodes.ts';
import {Parser, TOKEN, type Token} from './nunjucks.ts';
import type {Tokenizer} from './tokenizer.ts';

const ASSIGN = /=(?!=)/y;
const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);
/** Tokens that begin the one argument a test takes without parentheses. */
const TEST_ARGUMENT: ReadonlySet<string> = new Set([
  TOKEN.symbol,
  TOKEN.string,
  TOKEN.integer,
  TOKEN.float,
  TOKEN.leftBracket,
  TOKEN.leftCurly,
]);
const NO_ARGUMENTS: CallArguments = {args: [], keywords: [], moreArgs: null, moreKeywords: null};

/** What Jinja2's operators stand between: names, literals, calls, subscripts, filters and tests. Throws SyntaxError faults. */
export abstract class OperandParser extends Parser {
  /** One expression, with `… if … else …`. */
  abstract parseSingle(): Expression;
  /** What stands between parentheses: one expression, or a tuple. */
  abstract parseTuple(options: {parenthesized: boolean}): Expression;

  readonly source: Tokenizer;

  constructor(source: Tokenizer) {
    super(source);
    this.source = source;
  }

  refuse(message: string, at: At = this.peek()): never {
    throw new Fault('SyntaxError', message, {lineno: at.lineno, colno: at.colno});
  }

  peek(): Token {
    return this.peekToken() ?? {type: TOKEN.end, value: TOKEN.end, lineno: 0, colno: 0};
  }

  next(): Token {
    return this.nextToken() ?? this.peek();
  }

  demand(type: string, value?: string): Token {
    const token = this.peek();
    if (token.type === type && (value === undefined || token.value === value)) return this.next();
    return this.refuse(`expected ${value ?? type}, got '${token.value}'`, token);
  }

  parsePrimary(): Expression {
    const token = this.next();
    switch (token.type) {
      case TOKEN.symbol: {
        const constant = CONSTANTS.get(token.value);
        return constant === undefined
          ? node('Symbol', token, {value: token.value})
          : node('Literal', token, {value: constant});
      }
      case TOKEN.string: {
        let value = token.value;
        while (this.peek().type === TOKEN.string) value += this.next().value;
        return node('Literal', token, {value});
      }
      case TOKEN.integer:
        return node('Literal', token, {value: parseInteger(token.value, 0) ?? 0});
      case TOKEN.float:
        return node('Literal', token, {value: new Float(Number(token.value))});
      case TOKEN.leftParen: {
        const inner = this.parseTuple({parenthesized: true});
        this.demand(TOKEN.rightParen);
        return inner;
      }
      case TOKEN.leftBracket:
        return node('Array', token, {children: this.#parseSequence(TOKEN.rightBracket, () => this.parseSingle())});
      case TOKEN.leftCurly:
        return node('Dict', token, {children: this.#parseSequence(TOKEN.rightCurly, () => this.#parsePair())});
      default:
        return this.refuse(`unexpected '${token.value}'`, token);
    }
  }

  #parseSequence<T>(end: string, parse: () => T): T[] {
    const items: T[] = [];
    while (!this.skip(end)) {
      if (items.length > 0) {
        this.demand(TOKEN.comma);
        if (this.skip(end)) break;
      }
      items.push(parse());
    }
    return items;
  }

  #parsePair(): PairNode {
    const key = this.parseSingle();
    this.demand(TOKEN.colon);
    return node('Pair', key, {key, value: this.parseSingle()});
  }

  /** Attributes, subscripts and calls. */
  parsePostfix(first: Expression): Expression {
    let target = first;
    for (;;) {
      const token = this.peek();
      if (token.type === TOKEN.leftParen) target = this.parseCallOf(target);
      else if (token.type === TOKEN.leftBracket) target = this.#parseSubscript(target);
      else if (this.skipValue(TOKEN.operator, '.')) target = this.#parseDotted(target, token);
      else return target;
    }
  }

  parseCallOf(name: Expression): CallNode {
    const at = this.peek();
    return node('FunCall', at, {name, args: this.parseArguments()});
  }

  #parseDotted(target: Expression, at: At): Expression {
    const token = this.next();
    if (token.type === TOKEN.symbol) return node('Attribute', at, {target, name: token.value});
    if (token.type !== TOKEN.integer) this.refuse(`expected name or number, got '${token.value}'`, token);
    const val = node('Literal', token, {value: parseInteger(token.value, 0) ?? 0});
    return node('LookupVal', at, {target, val});
  }

  #parseSubscript(target: Expression): Expression {
    const at = this.next();
    const items: (Expression | SliceNode)[] = [];
    while (!this.skip(TOKEN.rightBracket)) {
      if (items.length > 0) this.demand(TOKEN.comma);
      items.push(this.#parseSubscribed());
    }
    const [only] = items;
    if (items.length === 1 && only !== undefined) return node('LookupVal', at, {target, val: only});
    const children = items.map(item =>
      item.typename === 'Slice' ? this.refuse('a slice within a tuple', item) : item,
    );
    return node('LookupVal', at, {target, val: node('Group', at, {children})});
  }

  #parseSubscribed(): Expression | SliceNode {
    const at = this.peek();
    const start = at.type === TOKEN.colon ? null : this.parseSingle();
    if (!this.skip(TOKEN.colon)) return start ?? this.refuse('expected an expression', at);
    const ends = () => [TOKEN.colon, TOKEN.rightBracket, TOKEN.comma].some(type => type === this.peek().type);
    const stop = ends() ? null : this.parseSingle();
    const step = !this.skip(TOKEN.colon) || ends() ? null : this.parseSingle();
    return node('Slice', at, {start, stop, step});
  }

  parseArguments(): CallArguments {
    const at = this.demand(TOKEN.leftParen);
    const args: Expression[] = [];
    const keywords: [string, Expression][] = [];
    let moreArgs: Expression | null = null;
    let moreKeywords: Expression | null = null;
    const ensure = (condition: boolean): void => {
      if (!condition) this.refuse('invalid syntax for function call expression', at);
    };
    let isFirst = true;
    while (!this.skip(TOKEN.rightParen)) {
      if (!isFirst) {
        this.demand(TOKEN.comma);
        if (this.skip(TOKEN.rightParen)) break;
      }
      isFirst = false;
      const token = this.peek();
      if (this.skipValue(TOKEN.operator, '*')) {
        ensure(moreArgs === null && moreKeywords === null);
        moreArgs = this.parseSingle();
      } else if (this.skipValue(TOKEN.operator, '**')) {
        ensure(moreKeywords === null);
        moreKeywords = this.parseSingle();
      } else if (token.type === TOKEN.symbol && this.source.isNext(ASSIGN)) {
        ensure(moreKeywords === null && !keywords.some(([name]) => name === token.value));
        this.next();
        this.next();
        keywords.push([token.value, this.parseSingle()]);
      } else {
        ensure(moreArgs === null && moreKeywords === null && keywords.length === 0);
        args.push(this.parseSingle());
      }
    }
    return {args, keywords, moreArgs, moreKeywords};
  }

  /** Filters, tests, and calls of what they gave. */
  parseFilters(first: Expression): Expression {
    let target = first;
    for (;;) {
      const {type} = this.peek();
      if (type === TOKEN.pipe) target = this.parseFilterChain(target) ?? target;
      else if (type === TOKEN.leftParen) target = this.parseCallOf(target);
      else if (this.skipSymbol('is')) target = this.#parseTest(target);
      else return target;
    }
  }

  /** `|name(…)|name…`; with `inline`, the first without its bar. */
  parseFilterChain(first: Expression | null, inline = false): FilterNode | null {
    let target: Expression | null = first;
    let filter: FilterNode | null = null;
    for (let begins = inline; begins || this.skip(TOKEN.pipe); begins = false) {
      const at = this.peek();
      const name = this.#parseDottedName();
      const args: CallArguments = this.peek().type === TOKEN.leftParen ? this.parseArguments() : NO_ARGUMENTS;
      filter = node('Filter', at, {name, target, args});
      target = filter;
    }
    return filter;
  }

  #parseDottedName(): string {
    let name = this.demand(TOKEN.symbol).value;
    while (this.skipValue(TOKEN.operator, '.')) name += `.${this.demand(TOKEN.symbol).value}`;
    return name;
  }

  #parseTest(target: Expression): Expression {
    const negated = this.skipSymbol('not');
    const at = this.peek();
    const name = this.#parseDottedName();
    const test = node('Is', at, {name, target, args: this.#parseTestArguments()});
    return negated ? node('Not', at, {target: test}) : test;
  }

  #parseTestArguments(): CallArguments {
    const {type, value} = this.peek();
    if (type === TOKEN.leftParen) return this.parseArguments();
    if (!TEST_ARGUMENT.has(type)) return NO_ARGUMENTS;
    if (type === TOKEN.symbol && (value === 'else' || value === 'or' || value === 'and')) return NO_ARGUMENTS;
    if (type === TOKEN.symbol && value === 'is') this.refuse('you cannot chain multiple tests with is');
    return {...NO_ARGUMENTS, args: [this.parsePostfix(this.parsePrimary())]};
  }
}
