import {BARE_VARIABLE, expandVariables, type HaproxyEnvironment, VARIABLE} from './variables.ts';

/** One word of a configuration line: `text` as HAProxy reads it, `start` and `end` where it stands in the whole text. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([ \\#"'$])|([rnt]))/y;
const CONTROL: Readonly<Record<string, string>> = {r: '\r', n: '\n', t: '\t'};
/** Means itself, quoted or not. */
const PLAIN = /[^ \t\v\f\r#"'\\$]+/y;
const WORD_END = /[ \t\v\f#]/;
const BLANKS = /[ \t\v\f]*/y;

/** `pattern` is sticky: matches at `at` or not at all. */
const matchAt = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at;
  return pattern.exec(text);
};

/**
 * Reads the word at `start`; it is empty (and has no width) where the line or its words end. `lastBrace` is where the
 * last `}` of the line stands.
 */
function readWord(line: string, start: number, lastBrace: number, variables: HaproxyEnvironment): Word {
  let text = '';
  let quote = '';
  let at = start;
  for (;;) {
    const plain = matchAt(PLAIN, line, at)?.[0] ?? '';
    text += plain;
    at += plain.length;
    const char = line.charAt(at);
    if (char === '' || char === '\r' || (quote === '' && WORD_END.test(char))) return {text, start, end: at};
    const escaped = quote === "'" ? null : matchAt(ESCAPE, line, at);
    const variable = quote === '"' ? matchAt(at < lastBrace ? VARIABLE : BARE_VARIABLE, line, at) : null;
    if (escaped !== null) {
      const [, hex, literal, control = ''] = escaped;
      text += hex === undefined ? (literal ?? CONTROL[control] ?? '') : String.fromCharCode(Number.parseInt(hex, 16));
    } else if (variable !== null) {
      text += expandVariables(variable[0], variables);
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
    } else {
      text += char;
    }
    at += (escaped ?? variable)?.[0].length ?? 1;
  }
}

/** Nothing in it but words and blanks: nearly every line of the largest configurations. */
const SIMPLE = /^[^#"'\\$\r\v\f]*$/;

function readSimpleWords(line: string, offset: number): Word[] {
  const words: Word[] = [];
  let start = 0;
  for (let at = 0; at <= line.length; at += 1) {
    const code = at === line.length ? SPACE : line.charCodeAt(at);
    if (code !== SPACE && code !== TAB) continue;
    if (at > start) words.push({text: line.slice(start, at), start: offset + start, end: offset + at});
    start = at + 1;
  }
  return words;
}

const SPACE = 0x20;
const TAB = 0x09;

/** The words of one line that stands at `offset` of the text, until its end or its comment. */
export function readWords(line: string, offset: number, variables: HaproxyEnvironment): Word[] {
  if (SIMPLE.test(line)) return readSimpleWords(line, offset);
  const words: Word[] = [];
  const lastBrace = line.lastIndexOf('}');
  for (let at = 0; ; ) {
    at += matchAt(BLANKS, line, at)?.[0].length ?? 0;
    const word = readWord(line, at, lastBrace, variables);
    if (word.end === at) return words;
    words.push({text: word.text, start: offset + word.start, end: offset + word.end});
    at = word.end;
  }
}
