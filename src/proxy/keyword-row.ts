import type {Release} from './version.ts';

/**
 * Ways in which servers change, as far as HAProxy carries them out differently: `move` gives a server without checks
 * another address or port, `recheck` one with checks, whose checks begin afresh.
 */
export type ChangeKind = 'move' | 'recheck' | 'weigh' | 'enable' | 'disable' | 'add' | 'remove';

export const CHANGE_KINDS: readonly ChangeKind[] = ['move', 'recheck', 'weigh', 'enable', 'disable', 'add', 'remove'];

/** Kinds of change that end elsewhere than a reload would, for releases from `since` until before `until`. */
export interface Exception {
  readonly kinds: ReadonlySet<ChangeKind>;
  /** For people; follows the keyword: `its connections outlive the move`. */
  readonly why: string;
  readonly since: Release;
  readonly until: Release;
  /** Only where the keyword's value is a longer time. */
  readonly aboveMs: number;
  /** Only of servers that are checked. */
  readonly ofChecked: boolean;
}

/**
 * What one keyword of a configuration means for changes at run time. What no exception names ends where a reload would;
 * a keyword that has no row is a reload.
 */
export interface KeywordRow {
  readonly keyword: string;
  /** How many words belong to it; `source` is read by itself. */
  readonly values: number;
  readonly exceptions: readonly Exception[];
}

export const row = (keyword: string, values: number, ...exceptions: readonly Exception[]): KeywordRow => ({
  keyword,
  values,
  exceptions,
});

/** `kinds` in words, `any` for all of them. */
export function except(
  kinds: string,
  why: string,
  {
    since = 0,
    until = Number.POSITIVE_INFINITY,
    aboveMs = -1,
    ofChecked = false,
  }: Partial<Omit<Exception, 'kinds' | 'why'>> = {},
): Exception {
  const named = kinds === 'any' ? CHANGE_KINDS : CHANGE_KINDS.filter(kind => kinds.split(' ').includes(kind));
  return {kinds: new Set(named), why, since, until, aboveMs, ofChecked};
}

const UNITS_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  '': 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A time as HAProxy reads it (configuration.txt 2.5), in milliseconds; without end when it is none. */
function parseTimeMs(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([a-z]*)$/.exec(text) ?? [];
  return digits === '' ? Number.POSITIVE_INFINITY : Number(digits) * (UNITS_MS[unit] ?? Number.POSITIVE_INFINITY);
}

/**
 * Why a change of this kind must be a reload where the keyword is in effect, with its value where it has one; undefined
 * when it ends where a reload would.
 */
export const findException = (
  {exceptions}: KeywordRow,
  kind: ChangeKind,
  release: Release,
  {value = '', checked = true}: {readonly value?: string; readonly checked?: boolean} = {},
): string | undefined =>
  exceptions.find(
    ({kinds, since, until, aboveMs, ofChecked}) =>
      kinds.has(kind) &&
      release >= since &&
      release < until &&
      (aboveMs < 0 || parseTimeMs(value) > aboveMs) &&
      (checked || !ofChecked),
  )?.why;
