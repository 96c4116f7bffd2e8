import {readFile, writeFile} from 'node:fs/promises';

/** One measured number. `better` says which way it should move. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | '1/s' | 'MiB' | '%' | '';
  readonly better: 'less' | 'more';
  /** What the old stack of 2017 did, or what is wanted: for the reader. */
  readonly beside?: string;
}

export type Bench = () => Promise<readonly Figure[]>;

/** The value below which `share` of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

const show = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** A table for people; the last column is this run as a ratio of the stored one. */
export function writeTable(figures: readonly Figure[], last: ReadonlyMap<string, number>): string {
  const rows = figures.map(({name, value, unit, beside = ''}) => {
    const before = last.get(name);
    const ratio = before === undefined || before === 0 ? '' : `x${(value / before).toFixed(2)}`;
    return [name, `${show(value)} ${unit}`.trim(), beside, ratio];
  });
  const all = [['figure', 'value', 'beside', 'to last run'], ...rows];
  const widths = [0, 1, 2, 3].map(column => Math.max(...all.map(row => row[column]?.length ?? 0)));
  return all
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The figures that an earlier run left in `path`; none when there was none. */
export async function loadFigures(path: string): Promise<Map<string, number>> {
  try {
    const stored: Figure[] = JSON.parse(await readFile(path, 'utf8'));
    return new Map(stored.map(({name, value}) => [name, value]));
  } catch {
    return new Map();
  }
}

/** Keeps the figures for the next run; those of benches that did not run stay. */
export async function storeFigures(path: string, figures: readonly Figure[]): Promise<void> {
  const names = new Set(figures.map(({name}) => name));
  const kept: Figure[] = await readFile(path, 'utf8').then(JSON.parse, () => []);
  await writeFile(path, `${JSON.stringify([...kept.filter(({name}) => !names.has(name)), ...figures], null, 2)}\n`);
}
