import {encodeFamily} from './exposition.ts';

/** A problem of `/status`, by what tells it from others, and since when (epoch ms). */
interface ProblemLabels {
  readonly kind: string;
  readonly subject: string | null;
  readonly severity: string;
  readonly sinceAt: number;
}

/** `kontrol_problem` and when it began: a series of each for each problem that `/status` lists now. Pure. */
export function encodeProblems(problems: readonly ProblemLabels[]): string {
  const labelsOf = ({kind, subject, severity}: ProblemLabels) => ({kind, subject: subject ?? '', severity});
  return (
    encodeFamily(
      'kontrol_problem',
      'gauge',
      'A problem that /status lists, by kind and what it is about; gone when it is over.',
      problems.map(problem => ({labels: labelsOf(problem), value: 1})),
    ) +
    encodeFamily(
      'kontrol_problem_since_timestamp_seconds',
      'gauge',
      'When that problem began, or was noticed where nobody can know.',
      problems.map(problem => ({labels: labelsOf(problem), value: problem.sinceAt / 1000})),
    )
  );
}
