import {readFile, writeFile} from 'node:fs/promises';

/** One measured number. `better` says which way it should move. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | '1/s' | 'MiB' | '%' | '';
  readonly better: 'less' | 'more';
  /** What the old stack of 2017 did, or what is wanted: for the reader. */
  readonly beside?: string;
  /** Where it stands in a series of figures that differ in size (of the membership) alone: growth.ts fits those. */
  readonly point?: {readonly series: string; readonly size: number};
}

export type Bench = () => Promise<readonly Figure[]>;

/** The value below which `share` of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

/** Says why a part of a bench has no figures: what this machine or this HAProxy cannot do. */
export const noteSkipped = (what: string, why: string): void => {
  process.stdout.write(`${what}: skipped: ${why}\n`);
};

const show = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** A table for people; the last column is this run as a ratio of the stored one. */
export function writeTable(figures: readonly Figure[], last: readonly Figure[]): string {
  const before = new Map(last.map(({name, value}) => [name, value]));
  const rows = figures.map(({name, value, unit, beside = ''}) => {
    const ratio = value / (before.get(name) ?? Number.NaN);
    return [
      name,
      `${show(value)} ${unit}`.trim(),
      beside,
      Number.isFinite(ratio) && ratio >= 0 ? `x${ratio.toFixed(2)}` : '',
    ];
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

/** The figures that earlier runs left in `path`; none when there are none, or none that can be read. */
export async function loadFigures(path: string): Promise<readonly Figure[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return [];
  }
}

/** Keeps the figures for the next run; those of benches that did not run stay. */
export async function storeFigures(path: string, figures: readonly Figure[]): Promise<void> {
  const names = new Set(figures.map(({name}) => name));
  const kept = (await loadFigures(path)).filter(({name}) => !names.has(name));
  await writeFile(path, `${JSON.stringify([...kept, ...figures], null, 2)}\n`);
}
