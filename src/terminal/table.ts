import {createPaint, type Paint, type Tone} from './paint.ts';
import {plain} from './plain.ts';

/** What is printed on: how many columns it has, and whether it has colours. */
export interface Screen {
  /** `Infinity` where nobody looks: a file, a pipe. */
  readonly width: number;
  readonly paint: Paint;
}

/** No terminal is narrower. */
const LEAST_WIDTH = 20;

/** How long a line may be on a stream: any length in a file, a pipe, and on a terminal that does not tell (0 columns). */
export const widthOf = ({isTTY, columns = 0}: {readonly isTTY?: boolean; readonly columns?: number}): number =>
  isTTY === true && columns > 0 ? Math.max(columns, LEAST_WIDTH) : Number.POSITIVE_INFINITY;

/** A file or a pipe. */
export const NO_SCREEN: Screen = {width: Number.POSITIVE_INFINITY, paint: createPaint(false)};

/** A name alone is a column that stays. */
export type Column =
  | string
  | {
      readonly name: string;
      /** Left out where there is no room; the highest goes first. */
      readonly spare?: number;
      /** The last one, which is never cut: where it has no room beside the others it goes on beneath. */
      readonly isReason?: true;
    };

/** A text, in a colour where it says something. */
export type Cell = string | {readonly text: string; readonly tone: Tone};

interface Line {
  readonly cells: readonly {readonly text: string; readonly tone: Tone | undefined}[];
}

const GAP = '  ';

/** Where a reason is folded, its lines are at least so long; else it is put beneath, under all columns. */
const LEAST_REASON = 30;

/** Of a cell that is cut, its beginning and its end stay: pods of one app differ at the end. */
const LEAST_CELL = 7;

const nameOf = (column: Column): string => (typeof column === 'string' ? column : column.name);
const isReason = (column: Column): boolean => typeof column !== 'string' && column.isReason === true;
const spareOf = (column: Column): number => (typeof column === 'string' ? 0 : (column.spare ?? 0));

/**
 * Columns as wide as their longest cell, two blanks between, no blanks at the end of a line. On a screen no line is
 * longer than it is wide: columns that can be spared are left out, then long cells lose their middle, and the reason is
 * folded.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  {width, paint}: Screen = NO_SCREEN,
): string {
  const all = rows.map(
    (row): Line => ({
      cells: row.map(cell =>
        typeof cell === 'string' ? {text: plain(cell), tone: undefined} : {text: plain(cell.text), tone: cell.tone},
      ),
    }),
  );
  const head: Line = {cells: columns.map(column => ({text: nameOf(column), tone: undefined}))};
  const lines = [head, ...all];
  const wanted = columns.map((_, index) => Math.max(...lines.map(({cells}) => cells[index]?.text.length ?? 0)));
  const shown = chooseColumns(columns, wanted, width);
  const reasonAt = shown.find(index => isReason(columns[index] ?? ''));
  const others = shown.filter(index => index !== reasonAt);
  const widths = fitWidths(others, wanted, width);
  const before = others.reduce((sum, index) => sum + (widths[index] ?? 0) + GAP.length, 0);
  return lines
    .flatMap(({cells}) => {
      const toneOf = (index: number, text: string) => {
        const tone = cells[index]?.tone;
        return tone === undefined ? text : paint(tone, text);
      };
      const parts = others.map(index => {
        const text = cut(cells[index]?.text ?? '', widths[index] ?? 0);
        return {text, shown: toneOf(index, text), pad: ' '.repeat((widths[index] ?? 0) - text.length)};
      });
      const reason = reasonAt === undefined ? '' : (cells[reasonAt]?.text ?? '');
      const {beside, beneath} = placeReason(reason, before, width);
      const last = parts.findLastIndex(({text}) => text !== '');
      const row = parts
        .slice(0, beside === '' ? last + 1 : parts.length)
        .map(({shown: text, pad}, index) => (beside === '' && index === last ? text : `${text}${pad}`))
        .join(GAP);
      const first = beside === '' ? row : `${row}${row === '' ? '' : GAP}${toneOf(reasonAt ?? 0, beside)}`;
      return [first, ...beneath.map(text => toneOf(reasonAt ?? 0, text))];
    })
    .map(line => `${line}\n`)
    .join('');
}

/** The columns that there is room for, as their numbers. A reason wants a line's least length, no more. */
function chooseColumns(columns: readonly Column[], wanted: readonly number[], width: number): number[] {
  let shown = columns.map((_, index) => index);
  const needed = () =>
    shown.reduce((sum, index) => {
      const want = wanted[index] ?? 0;
      return sum + GAP.length + (isReason(columns[index] ?? '') ? Math.min(want, LEAST_REASON) : want);
    }, -GAP.length);
  while (needed() > width) {
    const spare = Math.max(...shown.map(index => spareOf(columns[index] ?? '')));
    if (spare === 0) break;
    shown = shown.filter(index => spareOf(columns[index] ?? '') !== spare);
  }
  return shown;
}

/** What each column gets: the widest ones give way until all fit. */
function fitWidths(shown: readonly number[], wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  for (;;) {
    const total = shown.reduce((sum, index) => sum + (widths[index] ?? 0), (shown.length - 1) * GAP.length);
    const widest = shown.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (total <= width || widest === undefined || (widths[widest] ?? 0) <= LEAST_CELL) return widths;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`;
}

/** Beside the other columns, which take `before`, as far as there is room; the rest on lines of its own. */
function placeReason(reason: string, before: number, width: number): {beside: string; beneath: string[]} {
  const room = width - before;
  if (reason === '' || reason.length <= room) return {beside: reason, beneath: []};
  if (room >= LEAST_REASON) {
    const [beside = '', ...rest] = fold(reason, room);
    return {beside, beneath: rest.map(text => `${' '.repeat(before)}${text}`)};
  }
  return {beside: '', beneath: fold(reason, Math.max(LEAST_REASON, width) - 4).map(text => `    ${text}`)};
}

/** At blanks, and inside of a word that is longer than a line. */
export function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  }
  return [...lines, line];
}

/** Names in a first column, values behind; a value with several lines is indented below its first, and folded. */
export function formatPairs(pairs: readonly (readonly [string, string])[], {width}: Screen = NO_SCREEN): string {
  const nameWidth = Math.max(...pairs.map(([name]) => name.length));
  const room = Math.max(LEAST_REASON, width - nameWidth - GAP.length);
  return pairs
    .map(
      ([name, value]) =>
        `${name.padEnd(nameWidth)}${GAP}${value
          .split('\n')
          .flatMap(line => fold(plain(line), room))
          .join(`\n${' '.repeat(nameWidth)}${GAP}`)}\n`,
    )
    .join('');
}
