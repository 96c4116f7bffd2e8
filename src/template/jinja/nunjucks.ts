import nunjucks from 'nunjucks';

/** A token as Nunjucks' parser takes them; `lineno` and `colno` count from 0. */
export interface Token {
  readonly type: string;
  readonly value: string;
  readonly lineno: number;
  readonly colno: number;
}

/** Where a parser gets its tokens: null after the last one. */
export interface TokenSource {
  nextToken(): Token | null;
}

/** A node of Nunjucks' syntax tree. */
export interface NunjucksNode {
  readonly typename: string;
  readonly lineno: number;
  readonly colno: number;
}

type NodeClass = new (lineno: number, colno: number, ...fields: unknown[]) => NunjucksNode;
interface ExtensibleNodeClass extends NodeClass {
  extend(name: string, properties: {fields: readonly string[]}): NodeClass;
}

/** Nunjucks' parser: the token stream, the nesting of blocks and their ends. The grammar on top of it is Jinja2's. */
export interface NunjucksParser {
  readonly tokens: TokenSource;
  nextToken(): Token | null;
  peekToken(): Token | null;
  pushToken(token: Token | null): void;
  skip(type: string): boolean;
  skipSymbol(name: string): boolean;
  skipValue(type: string, value: string): boolean;
  parseUntilBlocks(...names: string[]): NunjucksNode & {readonly children: readonly NunjucksNode[]};
  advanceAfterBlockEnd(name?: string): Token;
  parseAsRoot(): NunjucksNode & {readonly children: readonly NunjucksNode[]};
  readonly breakOnBlocks: readonly string[] | null;
}

interface Internals {
  readonly lexer: Readonly<Record<`TOKEN_${string}`, string>>;
  readonly parser: {readonly Parser: new (tokens: TokenSource) => NunjucksParser};
  readonly nodes: Readonly<Record<string, ExtensibleNodeClass>>;
}

/**
 * The parts of Nunjucks that we build on, with types: it exports them, but `@types/nunjucks` does not know them. We
 * take its token types, its parser and its syntax tree. We do not take its compiler and runtime: that compiler writes
 * a template's names into JavaScript source, which is how a template runs code.
 */
const internals = nunjucks as unknown as Internals;

export const {Parser} = internals.parser;

const tokenType = (name: string): string => internals.lexer[`TOKEN_${name}`] ?? name.toLowerCase();

/** Nunjucks' token types by our names for them. */
export const TOKEN = {
  string: tokenType('STRING'),
  data: tokenType('DATA'),
  blockStart: tokenType('BLOCK_START'),
  blockEnd: tokenType('BLOCK_END'),
  variableStart: tokenType('VARIABLE_START'),
  variableEnd: tokenType('VARIABLE_END'),
  leftParen: tokenType('LEFT_PAREN'),
  rightParen: tokenType('RIGHT_PAREN'),
  leftBracket: tokenType('LEFT_BRACKET'),
  rightBracket: tokenType('RIGHT_BRACKET'),
  leftCurly: tokenType('LEFT_CURLY'),
  rightCurly: tokenType('RIGHT_CURLY'),
  operator: tokenType('OPERATOR'),
  comma: tokenType('COMMA'),
  colon: tokenType('COLON'),
  tilde: tokenType('TILDE'),
  pipe: tokenType('PIPE'),
  integer: tokenType('INT'),
  float: tokenType('FLOAT'),
  symbol: tokenType('SYMBOL'),
  /** Ours: a tag that the template ends within. */
  end: 'end of template',
} as const;

/** A class of Nunjucks' syntax tree. */
export function nodeClass(name: string): NodeClass {
  const found = Object.hasOwn(internals.nodes, name) ? internals.nodes[name] : undefined;
  if (found === undefined) throw new Error(`nunjucks has no node ${name}`);
  return found;
}

/** A class of our own beside Nunjucks': what Jinja2 has and Nunjucks has not. */
export const extendNode = (base: string, name: string, fields: readonly string[]): NodeClass =>
  (nodeClass(base) as ExtensibleNodeClass).extend(name, {fields});
