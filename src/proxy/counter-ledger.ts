import type {Row} from './answers.ts';

/*
 * INVARIANTS
 * - A total never falls while its row is known: what a process counted is kept when it ends, or counts from 0 again.
 * - What a process says is taken once: a later word of it replaces the one before.
 */

/** Counters of all HAProxy processes there were, so that they go on over reloads and restarts. */
export interface CounterLedger {
  /** What a process says of itself; rows that it does not name stay as they were. */
  note(process: string, rows: readonly Row[]): void;
  /** These alone still run: what the others said last is kept for good. */
  keepOnly(processes: readonly string[]): void;
  /** Rows of one of the processes with what all the others counted added. */
  total(process: string, rows: readonly Row[]): Row[];
}

/** By field; a field that HAProxy leaves empty is absent. */
type Counters = ReadonlyMap<string, number>;

/** Rows of names that no configuration has any more are forgotten beyond so many. */
const MAX_ROWS = 20_000;

const keyOf = ({pxname, svname, type}: Row): string => `${type} ${pxname} ${svname}`;

/** `fields`: which of the fields of `show stat` are counters. */
export function createCounterLedger(fields: readonly string[], maxRows = MAX_ROWS): CounterLedger {
  const running = new Map<string, Map<string, Counters>>();
  const ended = new Map<string, Counters>();

  const countersOf = (row: Row): Counters =>
    new Map(
      fields.flatMap(field => {
        const value = row[field] ? Number(row[field]) : Number.NaN;
        return Number.isFinite(value) ? [[field, value] as const] : [];
      }),
    );
  const keep = (key: string, counters: Counters): void => {
    ended.set(key, sum([ended.get(key), counters]));
  };

  return {
    note(process, rows) {
      const known = running.get(process) ?? new Map<string, Counters>();
      running.set(process, known);
      for (const row of rows) {
        const [key, counters] = [keyOf(row), countersOf(row)];
        const before = known.get(key);
        // Somebody cleared the counters, or it was started anew under the same number.
        if (before !== undefined && hasFallen(before, counters)) keep(key, before);
        known.set(key, counters);
      }
    },
    keepOnly(processes) {
      for (const [process, known] of running) {
        if (processes.includes(process)) continue;
        running.delete(process);
        for (const [key, counters] of known) keep(key, counters);
      }
    },
    total(process, rows) {
      const others = [...running].filter(([other]) => other !== process).map(([, known]) => known);
      if (ended.size > maxRows) {
        const named = new Set(rows.map(keyOf));
        for (const key of ended.keys()) if (!named.has(key)) ended.delete(key);
      }
      return rows.map(row => {
        const key = keyOf(row);
        const more = [ended.get(key), ...others.map(known => known.get(key))];
        if (more.every(one => one === undefined)) return row;
        const totals = sum([countersOf(row), ...more]);
        return {...row, ...Object.fromEntries([...totals].map(([field, value]) => [field, String(value)]))};
      });
    },
  };
}

const hasFallen = (before: Counters, now: Counters): boolean =>
  [...before].some(([field, value]) => (now.get(field) ?? value) < value);

function sum(all: readonly (Counters | undefined)[]): Counters {
  const totals = new Map<string, number>();
  for (const counters of all) {
    for (const [field, value] of counters ?? []) totals.set(field, (totals.get(field) ?? 0) + value);
  }
  return totals;
}
