import type {Problem, StatedProblem} from './status-types.ts';

export interface ProblemLogPorts {
  readonly epochMs: () => number;
  /** A problem has stayed for a while, or is over. */
  readonly onChange: (problem: Problem, isOver: boolean) => void;
}

/** Knows since when each problem is there, and tells of those that stay. */
export interface ProblemLog {
  /** Takes in all problems there are now; the same with their times. */
  note(problems: readonly StatedProblem[]): Problem[];
}

interface Known {
  readonly problem: Problem;
  readonly noticedAt: number;
}

/** What is gone sooner is no news. */
const STAYS_MS = 5000;

/** Beginnings that are worked out anew at each look differ by less. */
const SAME_BEGINNING_MS = 1000;

const keyOf = ({kind, subject}: StatedProblem): string => `${kind} ${subject ?? ''}`;

export function createProblemLog({epochMs, onChange}: ProblemLogPorts): ProblemLog {
  let known = new Map<string, Known>();
  const told = new Map<string, Problem>();
  return {
    note(stated) {
      const now = epochMs();
      known = new Map(stated.map(problem => [keyOf(problem), know(problem, known.get(keyOf(problem)), now)]));
      for (const [key, {problem, noticedAt}] of known) {
        if (told.has(key) || problem.severity !== 'bad' || now - noticedAt < STAYS_MS) continue;
        told.set(key, problem);
        onChange(problem, false);
      }
      for (const [key, problem] of told) {
        if (known.has(key)) continue;
        told.delete(key);
        onChange(problem, true);
      }
      return stated.flatMap(problem => known.get(keyOf(problem))?.problem ?? []);
    },
  };
}

function know({beganAt, ...words}: StatedProblem, before: Known | undefined, now: number): Known {
  const noticedAt = before?.noticedAt ?? now;
  const {sinceAt, sinceIs} = before?.problem ?? {sinceAt: now, sinceIs: 'noticed'};
  const isAsBefore = beganAt === null || (sinceIs === 'began' && Math.abs(beganAt - sinceAt) < SAME_BEGINNING_MS);
  const since = isAsBefore ? {sinceAt, sinceIs} : {sinceAt: Math.min(beganAt, now), sinceIs: 'began' as const};
  return {problem: {...words, ...since}, noticedAt};
}
