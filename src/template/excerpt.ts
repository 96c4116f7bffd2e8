import type {Position} from './python/fault.ts';

/** No line is shown longer than this. */
const SHOWN_CHARACTERS = 160;
const LINES_BEFORE = 2;

/** `line 3, column 7`, as editors count. */
export const placeOf = ({lineno, colno}: Position): string => `line ${lineno + 1}, column ${colno + 1}`;

/**
 * The lines of a template around a place, numbered (`numberOf` a line, from 1, where its file holds more), with a caret:
 * ```
 *   3 |   server {{ host.name }}
 *     |                 ^
 * ```
 */
export function excerptOf(
  source: string,
  {lineno, colno}: Position,
  numberOf: (line: number) => number = line => line,
): string {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const width = String(numberOf(lineno + 1)).length;
  const shown = lines.slice(Math.max(0, lineno - LINES_BEFORE), lineno + 1);
  // A long line is shown from where its caret is in sight.
  const skipped = Math.max(0, colno - SHOWN_CHARACTERS / 2);
  const numbered = shown.map((line, index) => {
    const number = String(numberOf(lineno - shown.length + index + 2)).padStart(width);
    const from = index === shown.length - 1 ? skipped : 0;
    return `  ${number} | ${line.slice(from, from + SHOWN_CHARACTERS)}`;
  });
  const lead = (lines[lineno] ?? '').slice(skipped, colno).replace(/[^\t]/g, ' ');
  return [...numbered, `  ${' '.repeat(width)} | ${lead}^`].join('\n');
}
