import type {Problem, StatedProblem} from './status-types.ts';

export interface ProblemLogPorts {
  readonly epochMs: () => number;
  readonly onAppeared: (problem: Problem) => void;
  readonly onSolved: (problem: Problem) => void;
}

/** Knows since when each problem is there, and tells of those that stay. */
export interface ProblemLog {
  /** Takes in all problems there are now; the same with their times. */
  note(problems: readonly StatedProblem[]): Problem[];
}

/** What is gone sooner is no news. */
const STAYS_MS = 5000;

const keyOf = ({kind, subject}: StatedProblem): string => `${kind} ${subject ?? ''}`;

export function createProblemLog({epochMs, onAppeared, onSolved}: ProblemLogPorts): ProblemLog {
  let known = new Map<string, Problem>();
  const told = new Map<string, Problem>();
  return {
    note(stated) {
      const now = epochMs();
      const problems = stated.map(problem => ({...problem, sinceAt: known.get(keyOf(problem))?.sinceAt ?? now}));
      known = new Map(problems.map(problem => [keyOf(problem), problem]));
      for (const [key, problem] of known) {
        if (told.has(key) || problem.severity !== 'bad' || now - problem.sinceAt < STAYS_MS) continue;
        told.set(key, problem);
        onAppeared(problem);
      }
      for (const [key, problem] of told) {
        if (known.has(key)) continue;
        told.delete(key);
        onSolved(problem);
      }
      return problems;
    },
  };
}
