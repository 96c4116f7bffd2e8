import {encodeFamily} from './exposition.ts';

/** A problem of `/status`, by what tells it from others. */
interface ProblemLabels {
  readonly kind: string;
  readonly subject: string | null;
  readonly severity: string;
}

/** `kontrol_problem`: a series for each problem that `/status` lists now. Pure. */
export const encodeProblems = (problems: readonly ProblemLabels[]): string =>
  encodeFamily(
    'kontrol_problem',
    'gauge',
    'A problem that /status lists, by kind and what it is about; gone when it is over.',
    problems.map(({kind, subject, severity}) => ({labels: {kind, subject: subject ?? '', severity}, value: 1})),
  );
