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
  {since = 0, until = Number.POSITIVE_INFINITY}: {readonly since?: Release; readonly until?: Release} = {},
): Exception {
  const named = kinds === 'any' ? CHANGE_KINDS : CHANGE_KINDS.filter(kind => kinds.split(' ').includes(kind));
  return {kinds: new Set(named), why, since, until};
}

/** Why a change of this kind must be a reload where the keyword is in effect; undefined when it ends where one would. */
export const findException = ({exceptions}: KeywordRow, kind: ChangeKind, release: Release): string | undefined =>
  exceptions.find(({kinds, since, until}) => kinds.has(kind) && release >= since && release < until)?.why;
