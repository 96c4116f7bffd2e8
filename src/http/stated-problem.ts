import type {StatedProblem} from './status-types.ts';

/** The words of a problem: what it is, why, and what to do. */
export type ProblemWords = readonly [what: string, why: string, todo: string];

export interface About {
  readonly subject?: string;
  readonly beganAt: number | null;
}

/** What clients or operators suffer from. */
export const bad = (kind: string, [what, why, todo]: ProblemWords, {subject, beganAt}: About): StatedProblem => ({
  kind,
  subject: subject ?? null,
  severity: 'bad',
  what,
  why,
  todo,
  beganAt,
});

/** What is worth a look. */
export const notice = (...said: Parameters<typeof bad>): StatedProblem => ({...bad(...said), severity: 'notice'});
