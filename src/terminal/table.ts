import {stripVTControlCharacters} from 'node:util';

const CONTROL = /\p{Cc}+/gu;

/** A cell may not move the cursor nor break its line, whoever chose its text. */
export const plain = (text: string): string => stripVTControlCharacters(text).replace(CONTROL, ' ');

const GAP = '  ';

/** Columns as wide as their longest cell, two blanks between, no blanks at the end of a line. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map(row => row.map(plain));
  const widths = head.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)));
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('');
}

/** Names in a first column, values behind; a value with several lines is indented below its first. */
export function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs
    .map(
      ([name, value]) =>
        `${name.padEnd(width)}${GAP}${value
          .split('\n')
          .map(plain)
          .join(`\n${' '.repeat(width)}${GAP}`)}\n`,
    )
    .join('');
}
