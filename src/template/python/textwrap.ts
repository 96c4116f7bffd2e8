import {raise} from './fault.ts';
import {codePoints} from './iterate.ts';
import {firstCharacters} from './padding.ts';

const WORD = '[\\p{L}\\p{N}_]';
const LETTER = '[\\p{L}_]';
const SPACE = '[\\t\\n\\v\\f\\r ]';
const PUNCTUATED = `[\\p{L}\\p{N}_!"'&.,?]`;

/** CPython's `TextWrapper.wordsep_re`. */
const CHUNK = new RegExp(
  `(${SPACE}+|(?<=${PUNCTUATED})-{2,}(?=${WORD})|[^\\t\\n\\v\\f\\r ]+?(?:` +
    `-(?:(?<=${LETTER}{2}-)|(?<=${LETTER}-${LETTER}-))(?=${LETTER}-?${LETTER})` +
    `|(?=${SPACE}|$)|(?<=${PUNCTUATED})(?=-{2,}${WORD})))`,
  'u',
);
const SIMPLE_CHUNK = new RegExp(`(${SPACE}+)`);

export interface WrapOptions {
  readonly width: number;
  readonly breakLong: boolean;
  readonly breakHyphens: boolean;
}

const isBlank = (chunk: string | undefined): boolean => chunk?.trim() === '';

/** Python's `textwrap.wrap(text, width, expand_tabs=False, replace_whitespace=False)`. Raises ValueError for width < 1. */
export function wrapText(text: string, options: WrapOptions): string[] {
  const {width, breakHyphens} = options;
  if (width <= 0) raise('ValueError', `invalid width ${width} (must be > 0)`);
  const chunks = text.split(breakHyphens ? CHUNK : SIMPLE_CHUNK).filter(chunk => chunk !== '');
  chunks.reverse();
  const lines: string[] = [];
  while (chunks.length > 0) {
    if (isBlank(chunks.at(-1)) && lines.length > 0) chunks.pop();
    const line = takeLine(chunks, options);
    if (isBlank(line.at(-1))) line.pop();
    if (line.length > 0) lines.push(line.join(''));
  }
  return lines;
}

/** Takes from the end of `chunks` what fits into one line; of a word longer than a line, a part. */
function takeLine(chunks: string[], {width, breakLong, breakHyphens}: WrapOptions): string[] {
  const line: string[] = [];
  let length = 0;
  for (let next = chunks.at(-1); next !== undefined && length + codePoints(next) <= width; next = chunks.at(-1)) {
    line.push(next);
    length += codePoints(next);
    chunks.pop();
  }
  const long = chunks.at(-1);
  if (long === undefined || codePoints(long) <= width) return line;
  if (breakLong) {
    let end = width - length;
    const hyphen = firstCharacters(long, end).lastIndexOf('-');
    if (breakHyphens && hyphen > 0 && /[^-]/.test(long.slice(0, hyphen))) end = codePoints(long.slice(0, hyphen)) + 1;
    const part = firstCharacters(long, end);
    line.push(part);
    chunks[chunks.length - 1] = long.slice(part.length);
  } else if (line.length === 0) {
    line.push(long);
    chunks.pop();
  }
  return line;
}
