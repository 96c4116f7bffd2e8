import type {HistoryEntry, TextRef} from './history.ts';

/** Which pass to go back to: this one, what served then (epoch ms), or the last one with another template. */
export type RollbackWish =
  | {readonly is: 'pass'; readonly pass: number}
  | {readonly is: 'time'; readonly at: number}
  | {readonly is: 'last'};

/**
 * The pass whose template a rollback takes, or why there is none. `entries` are oldest first; `isKept` tells whether the
 * text of a template is still there.
 */
export function findRollback(
  {entries, isKept}: {readonly entries: readonly HistoryEntry[]; readonly isKept: (template: TextRef) => boolean},
  wish: RollbackWish,
): {readonly is: 'found'; readonly entry: HistoryEntry} | {readonly is: 'unknown'; readonly reason: string} {
  const good = entries.filter(({verdict}) => verdict !== 'failed');
  const found = (entry: HistoryEntry | undefined, reason: string) =>
    entry === undefined ? ({is: 'unknown', reason} as const) : ({is: 'found', entry} as const);
  switch (wish.is) {
    case 'pass':
      return found(
        entries.find(({pass}) => pass === wish.pass),
        `there is no pass ${wish.pass} in the history`,
      );
    case 'time':
      return found(
        good.findLast(({startedAt}) => startedAt <= wish.at),
        `the history knows of nothing that served at ${new Date(wish.at).toISOString()}`,
      );
    case 'last': {
      const now = entries.at(-1)?.template?.digest;
      return found(
        good.findLast(({template}) => template !== null && template.digest !== now && isKept(template)),
        'the history has no other template that worked',
      );
    }
  }
}
