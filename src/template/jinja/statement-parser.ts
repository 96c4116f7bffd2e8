import {Fault} from '../python/fault.ts';
import {ExpressionParser} from './expression-parser.ts';
import {
  type Expression,
  type NamespaceTarget,
  node,
  type OtherTemplateNode,
  type Parameters,
  type Statement,
  type SymbolNode,
  statementsOf,
  type Target,
} from './nodes.ts';
import {TOKEN, type Token} from './nunjucks.ts';
import {Tokenizer} from './tokenizer.ts';

/** Jinja2's statements (its `parser.py`, no extensions). What bodies consist of, Nunjucks' `parseNodes` gathers. */
class StatementParser extends ExpressionParser {
  readonly #tags: ReadonlyMap<string, (tag: Token) => Statement> = new Map([
    ['for', tag => this.#parseFor(tag)],
    ['if', tag => this.#parseIf(tag)],
    ['set', tag => this.#parseSet(tag)],
    ['macro', tag => this.#parseMacro(tag)],
    ['call', tag => this.#parseCallBlock(tag)],
    ['filter', tag => this.#parseFilterBlock(tag)],
    ['with', tag => this.#parseWith(tag)],
    ['autoescape', tag => this.#parseAutoescape(tag)],
    ['block', tag => this.#parseBlock(tag)],
    ['print', tag => this.#parsePrint(tag)],
    ['extends', tag => this.#parseExtends(tag)],
    ['include', tag => this.#parseInclude(tag)],
    ['import', tag => this.#parseImport(tag)],
    ['from', tag => this.#parseFrom(tag)],
  ]);

  /** Nunjucks calls this after `{%`; null means that the tag ends the body around it. */
  parseStatement(): Statement | null {
    const tag = this.peek();
    if (tag.type !== TOKEN.symbol) this.refuse('tag name expected', tag);
    if (this.breakOnBlocks?.includes(tag.value)) return null;
    const parse = this.#tags.get(tag.value) ?? this.refuse(this.#unknown(tag.value), tag);
    this.next();
    const statement = parse(tag);
    this.demand(TOKEN.blockEnd);
    return statement;
  }

  #unknown(name: string): string {
    const waited = this.breakOnBlocks?.map(block => `'${block}'`).join(' or ');
    return waited === undefined ? `unknown tag '${name}'` : `unknown tag '${name}'; looking for ${waited}`;
  }

  /** The body up to one of these tags, which is left to be read. */
  #parseBody(tag: Token, ...ends: string[]): readonly Statement[] {
    this.skip(TOKEN.colon);
    this.demand(TOKEN.blockEnd);
    const body = statementsOf(this.parseUntilBlocks(...ends));
    if (this.peekToken() === null) this.refuse(`'${tag.value}' is not closed: looking for ${ends.join(' or ')}`, tag);
    return body;
  }

  /** The body up to its end tag, whose name is read too. */
  #parseWhole(tag: Token, end: string): readonly Statement[] {
    const body = this.#parseBody(tag, end);
    this.next();
    return body;
  }

  #parseFor(tag: Token): Statement {
    const target = this.#parseTarget();
    this.demand(TOKEN.symbol, 'in');
    const arr = this.parseTuple({conditional: false});
    const test = this.skipSymbol('if') ? this.parseSingle() : null;
    const recursive = this.skipSymbol('recursive');
    const body = this.#parseBody(tag, 'endfor', 'else');
    const else_ = this.next().value === 'else' ? this.#parseWhole(tag, 'endfor') : [];
    return node('For', tag, {target, arr, test, recursive, body, else_});
  }

  #parseIf(tag: Token): Statement {
    const branches: {cond: Expression; body: readonly Statement[]}[] = [];
    for (;;) {
      const cond = this.parseTuple({conditional: false});
      branches.push({cond, body: this.#parseBody(tag, 'elif', 'else', 'endif')});
      const end = this.next().value;
      if (end === 'elif') continue;
      const else_ = end === 'else' ? this.#parseWhole(tag, 'endif') : [];
      return node('If', tag, {branches, else_});
    }
  }

  #parseSet(tag: Token): Statement {
    const target = this.#parseTarget(true);
    if (this.skipValue(TOKEN.operator, '=')) return node('Set', tag, {target, value: this.parseTuple()});
    const filter = this.parseFilterChain(null);
    return node('SetBlock', tag, {target, filter, body: this.#parseWhole(tag, 'endset')});
  }

  #parseMacro(tag: Token): Statement {
    const name = this.#parseName().value;
    const parameters = this.#parseParameters();
    return node('Macro', tag, {name, parameters, body: this.#parseWhole(tag, 'endmacro')});
  }

  #parseCallBlock(tag: Token): Statement {
    const none: Parameters = {names: [], defaults: []};
    const parameters = this.peek().type === TOKEN.leftParen ? this.#parseParameters() : none;
    const call = this.parseSingle();
    if (call.typename !== 'FunCall') this.refuse('expected a call', tag);
    return node('CallBlock', tag, {call, parameters, body: this.#parseWhole(tag, 'endcall')});
  }

  #parseFilterBlock(tag: Token): Statement {
    const filter = this.parseFilterChain(null, true) ?? this.refuse('expected a filter', tag);
    return node('FilterBlock', tag, {filter, body: this.#parseWhole(tag, 'endfilter')});
  }

  #parseWith(tag: Token): Statement {
    const targets: Target[] = [];
    const values: Expression[] = [];
    while (this.peek().type !== TOKEN.blockEnd) {
      if (targets.length > 0) this.demand(TOKEN.comma);
      targets.push(this.#parseTarget());
      this.demand(TOKEN.operator, '=');
      values.push(this.parseSingle());
    }
    return node('With', tag, {targets, values, body: this.#parseWhole(tag, 'endwith')});
  }

  #parseAutoescape(tag: Token): Statement {
    const value = this.parseSingle();
    return node('Autoescape', tag, {value, body: this.#parseWhole(tag, 'endautoescape')});
  }

  #parseBlock(tag: Token): Statement {
    const name = this.demand(TOKEN.symbol).value;
    const scoped = this.skipSymbol('scoped');
    const required = this.skipSymbol('required');
    const body = this.#parseWhole(tag, 'endblock');
    const isBlank = (statement: Statement) =>
      statement.typename === 'Output' &&
      statement.children.every(child => child.typename === 'TemplateData' && child.value.trim() === '');
    if (required && !body.every(isBlank)) this.refuse('required blocks can only contain comments or whitespace', tag);
    this.skipSymbol(name);
    return node('Block', tag, {name, scoped, required, body});
  }

  #parsePrint(tag: Token): Statement {
    const children: Expression[] = [];
    while (this.peek().type !== TOKEN.blockEnd) {
      if (children.length > 0) this.demand(TOKEN.comma);
      children.push(this.parseSingle());
    }
    return node('Output', tag, {children});
  }

  #parseExtends(tag: Token): Statement {
    return this.#other(tag, 'extends', this.parseSingle());
  }

  #parseInclude(tag: Token): Statement {
    const template = this.parseSingle();
    const ignoreMissing = this.skipSymbol('ignore');
    if (ignoreMissing) this.demand(TOKEN.symbol, 'missing');
    this.#parseContext();
    return this.#other(tag, 'include', template, [], ignoreMissing);
  }

  #parseImport(tag: Token): Statement {
    const template = this.parseSingle();
    this.demand(TOKEN.symbol, 'as');
    const name = this.#parseName().value;
    this.#parseContext();
    return this.#other(tag, 'import', template, [name]);
  }

  #parseFrom(tag: Token): Statement {
    const template = this.parseSingle();
    this.demand(TOKEN.symbol, 'import');
    const names: string[] = [];
    do {
      if (names.length > 0 && this.#parseContext()) break;
      const name = this.#parseName();
      if (name.value.startsWith('_')) this.refuse('names starting with an underline can not be imported', name);
      names.push(this.skipSymbol('as') ? this.#parseName().value : name.value);
      if (this.#parseContext()) break;
    } while (this.skip(TOKEN.comma));
    return this.#other(tag, 'from', template, names);
  }

  #other(
    tag: Token,
    kind: OtherTemplateNode['tag'],
    template: Expression,
    names: string[] = [],
    ignoreMissing = false,
  ): Statement {
    return node('OtherTemplate', tag, {tag: kind, template, ignoreMissing, names});
  }

  #parseContext(): boolean {
    const isContext = ['with', 'without'].includes(this.peek().value) && this.source.isNext(/context\b/y);
    if (isContext) {
      this.next();
      this.next();
    }
    return isContext;
  }

  #parseParameters(): Parameters {
    this.demand(TOKEN.leftParen);
    const names: SymbolNode[] = [];
    const defaults: Expression[] = [];
    while (!this.skip(TOKEN.rightParen)) {
      if (names.length > 0) this.demand(TOKEN.comma);
      names.push(this.#parseName());
      if (this.skipValue(TOKEN.operator, '=')) defaults.push(this.parseSingle());
      else if (defaults.length > 0) this.refuse('non-default argument follows default argument');
    }
    return {names, defaults};
  }

  #parseName(): SymbolNode {
    const token = this.demand(TOKEN.symbol);
    if (/^(?:[Tt]rue|[Ff]alse|[Nn]one)$/.test(token.value)) this.refuse(`can't assign to '${token.value}'`, token);
    return node('Symbol', token, {value: token.value});
  }

  /** Names, in tuples too; with `namespace` also `ns.a`, but in no parentheses. */
  #parseTarget(namespace = false): Target {
    const at = this.peek();
    const {only, items} = this.parseItems(
      () => (namespace ? this.#parseNamespaceTarget() : undefined) ?? this.#assignable(this.parsePrimary()),
    );
    if (only !== undefined) return only;
    if (items.length === 0) this.refuse(`expected an expression, got '${at.value}'`, at);
    return node('Targets', at, {children: items});
  }

  #parseNamespaceTarget(): NamespaceTarget | undefined {
    const token = this.peek();
    if (token.type !== TOKEN.symbol || !this.source.isNext(/\./y)) return undefined;
    this.next();
    this.next();
    return node('NamespaceTarget', token, {name: token.value, attribute: this.demand(TOKEN.symbol).value});
  }

  #assignable(target: Expression): Target {
    if (target.typename === 'Symbol') return target;
    if (target.typename !== 'Group') return this.refuse(`can't assign to '${target.typename.toLowerCase()}'`, target);
    return node('Targets', target, {children: target.children.map(child => this.#assignable(child))});
  }
}

/** Parses a template (normalised source) into Nunjucks' tree. Throws SyntaxError faults with their place. */
export function parseTemplate(source: string): readonly Statement[] {
  try {
    return statementsOf(new StatementParser(new Tokenizer(source)).parseAsRoot());
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (error instanceof RangeError) throw error;
    throw asFault(error);
  }
}

/** What Nunjucks' own part of the parser refused. */
function asFault(error: unknown): Fault {
  const {message = String(error), lineno = 1, colno = 1} = error as {message?: string; lineno?: number; colno?: number};
  return new Fault('SyntaxError', message, {lineno: lineno - 1, colno: colno - 1});
}
