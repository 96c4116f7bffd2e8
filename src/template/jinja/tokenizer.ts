import {BLANK} from '../python/characters.ts';
import {Fault, type Position} from '../python/fault.ts';
import {stripEnd} from '../python/str-split.ts';
import {TOKEN, type Token, type TokenSource} from './nunjucks.ts';
import {parseStringBody} from './string-literal.ts';

const SPACES = new RegExp(`[${BLANK}]+`, 'y');
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{XIDC}]+/uy;
const IDENTIFIER = /^[\p{XIDS}_][\p{XIDC}]*$/u;
const STRING = /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y;

const RAW = new RegExp(`\\{%[-+]?[${BLANK}]*raw[${BLANK}]*(?:-%\\}[${BLANK}]*|%\\})`, 'y');
const END_RAW = new RegExp(`\\{%([-+]?)[${BLANK}]*endraw[${BLANK}]*(?:\\+%\\}|-%\\}[${BLANK}]*|%\\})`, 'g');
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}[${BLANK}]*|#\\}`, 'g');
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}[${BLANK}]*|%\\}`, 'y');
const VARIABLE_END = new RegExp(`-\\}\\}[${BLANK}]*|\\}\\}`, 'y');

const OPERATOR_TYPES: Readonly<Record<string, string>> = {
  '(': TOKEN.leftParen,
  ')': TOKEN.rightParen,
  '[': TOKEN.leftBracket,
  ']': TOKEN.rightBracket,
  '{': TOKEN.leftCurly,
  '}': TOKEN.rightCurly,
  ',': TOKEN.comma,
  ':': TOKEN.colon,
  '~': TOKEN.tilde,
  '|': TOKEN.pipe,
};
const CLOSES: Readonly<Record<string, string>> = {'(': ')', '[': ']', '{': '}'};

/** Jinja2 reads every line break as `\n` and drops one at the end of the source. */
export const normalizeSource = (source: string): string => source.replace(/\r\n?/g, '\n').replace(/\n$/, '');

/**
 * Jinja2's lexer (its `lexer.py`, default delimiters) giving Nunjucks' tokens. Blanks around tags, comments and raw
 * blocks are dealt with here, so that a parser sees text and tags only. Throws SyntaxError faults.
 */
export class Tokenizer implements TokenSource {
  /** Nunjucks' parser asks for the delimiters, to see signs for blanks; its tokens never have any here. */
  readonly tags = {VARIABLE_START: '{{', VARIABLE_END: '}}', COMMENT_START: '{#', COMMENT_END: '#}'};
  readonly #source: string;
  readonly #lineStarts: readonly number[];
  #index = 0;
  #tag: 'block' | 'variable' | undefined;
  readonly #open: string[] = [];

  /** `source` comes from `normalizeSource`. */
  constructor(source: string) {
    this.#source = source;
    this.#lineStarts = [0, ...[...source.matchAll(/\n/g)].map(match => match.index + 1)];
  }

  nextToken(): Token | null {
    return this.#tag === undefined ? this.#nextInText() : this.#nextInTag(this.#tag);
  }

  /** Whether `pattern` (sticky) comes next in the tag, behind blanks: a second token of look-ahead. */
  isNext(pattern: RegExp): boolean {
    const blanks = this.#match(SPACES, this.#index)?.length ?? 0;
    return this.#match(pattern, this.#index + blanks) !== undefined;
  }

  #nextInText(): Token | null {
    let text = '';
    for (;;) {
      const from = this.#index;
      const start = this.#nextOpening();
      if (start < 0) {
        text += this.#source.slice(this.#index);
        this.#index = this.#source.length;
        return text === '' ? null : this.#token(TOKEN.data, text, from);
      }
      const kind = this.#source.charAt(start + 1);
      const sign = this.#source.charAt(start + 2);
      const before = this.#source.slice(this.#index, start);
      text += sign === '-' ? stripEnd(before) : before;
      if (text !== '') {
        this.#index = start;
        // What was stripped is behind us: the tag itself is read at the next call.
        return this.#token(TOKEN.data, text, from);
      }
      const raw = this.#match(RAW, start);
      if (raw !== undefined) return this.#raw(start + raw.length);
      this.#index = start + (sign === '-' || sign === '+' ? 3 : 2);
      if (kind === '#') this.#skipComment(start);
      else {
        this.#tag = kind === '%' ? 'block' : 'variable';
        return kind === '%'
          ? this.#token(TOKEN.blockStart, '{%', start)
          : this.#token(TOKEN.variableStart, '{{', start);
      }
    }
  }

  #nextOpening(): number {
    const opening = /\{[{%#]/g;
    opening.lastIndex = this.#index;
    return opening.exec(this.#source)?.index ?? -1;
  }

  #raw(start: number): Token | null {
    // Jinja2 minds a missing end only when something follows.
    if (start >= this.#source.length) this.#index = start;
    if (start >= this.#source.length) return null;
    END_RAW.lastIndex = start;
    const end = END_RAW.exec(this.#source) ?? this.#fail('missing end of raw directive', start);
    const body = this.#source.slice(start, end.index);
    this.#index = end.index + end[0].length;
    const text = end[1] === '-' ? stripEnd(body) : body;
    return text === '' ? this.nextToken() : this.#token(TOKEN.data, text, start);
  }

  #skipComment(start: number): void {
    if (this.#index >= this.#source.length) return;
    COMMENT_END.lastIndex = this.#index;
    const end = COMMENT_END.exec(this.#source) ?? this.#fail('missing end of comment tag', start);
    this.#index = end.index + end[0].length;
  }

  #nextInTag(tag: 'block' | 'variable'): Token {
    this.#index += this.#match(SPACES, this.#index)?.length ?? 0;
    const start = this.#index;
    if (start >= this.#source.length) return this.#token(TOKEN.end, TOKEN.end, start);
    const end = this.#open.length > 0 ? undefined : this.#match(tag === 'block' ? BLOCK_END : VARIABLE_END, start);
    if (end !== undefined) {
      this.#tag = undefined;
      this.#index += end.length;
      return this.#token(tag === 'block' ? TOKEN.blockEnd : TOKEN.variableEnd, tag === 'block' ? '%}' : '}}', start);
    }
    return this.#word(start) ?? this.#fail(`unexpected character '${this.#source.charAt(start)}'`, start);
  }

  #word(start: number): Token | undefined {
    const take = (pattern: RegExp): string | undefined => {
      const text = this.#match(pattern, start);
      this.#index += text?.length ?? 0;
      return text;
    };
    const float = take(FLOAT);
    if (float !== undefined) return this.#token(TOKEN.float, float.replaceAll('_', ''), start);
    const integer = take(INTEGER);
    if (integer !== undefined) return this.#token(TOKEN.integer, integer.replaceAll('_', ''), start);
    const name = take(NAME);
    if (name !== undefined) {
      if (!IDENTIFIER.test(name)) this.#fail(`invalid character in identifier ${name}`, start);
      return this.#token(TOKEN.symbol, name, start);
    }
    const literal = take(STRING);
    if (literal !== undefined) {
      const text = parseStringBody(literal.slice(1, -1)) ?? this.#fail('invalid escape in string', start);
      return this.#token(TOKEN.string, text, start);
    }
    const operator = take(OPERATOR);
    return operator === undefined ? undefined : this.#operator(operator, start);
  }

  #operator(text: string, start: number): Token {
    const closes = CLOSES[text];
    if (closes !== undefined) this.#open.push(closes);
    if (text === ')' || text === ']' || text === '}') {
      const expected = this.#open.pop();
      if (expected === undefined) this.#fail(`unexpected '${text}'`, start);
      if (expected !== text) this.#fail(`unexpected '${text}', expected '${expected}'`, start);
    }
    return this.#token(OPERATOR_TYPES[text] ?? TOKEN.operator, text, start);
  }

  #match(pattern: RegExp, index: number): string | undefined {
    pattern.lastIndex = index;
    return pattern.exec(this.#source)?.[0];
  }

  #token(type: string, value: string, index: number): Token {
    return {type, value, ...this.#positionOf(index)};
  }

  #fail(message: string, index: number): never {
    throw new Fault('SyntaxError', message, this.#positionOf(index));
  }

  #positionOf(index: number): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return {lineno: low, colno: index - (this.#lineStarts[low] ?? 0)};
  }
}
