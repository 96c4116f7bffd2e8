import type {Ladder} from '../jobs/job.ts';
import {type Clock, within} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {hasProcess, type StagedGeneration, TERMINATE} from './generation.ts';

const FINISH: Ladder = [{signal: 'SIGUSR1', graceMs: 0}];

/** What a second SIGTERM leaves of the grace: an idle HAProxy is gone within milliseconds and shall count as drained. */
const SKIPPED_GRACE_MS = 1000;

/**
 * Tells generations to finish their connections and go; ends those that have not within the grace, of which `skip`
 * leaves 1 s. Resolves once all are gone: true when they went by themselves.
 */
export async function drainAll(
  leaving: readonly StagedGeneration[],
  graceMs: number,
  skip: AbortSignal,
  {clock, log}: {readonly clock: Clock; readonly log: Log},
): Promise<boolean> {
  for (const {supervisor} of leaving) supervisor.stop(FINISH);
  const gone = Promise.all(leaving.map(({supervisor}) => supervisor.reached(job => !hasProcess(job))));
  if ((await within(clock, graceMs, gone, skip)) !== undefined) return true;
  if (skip.aborted && (await within(clock, Math.min(graceMs, SKIPPED_GRACE_MS), gone)) !== undefined) return true;
  log.warn({generations: leaving.map(({number}) => number)}, 'connections outlived the grace: ending HAProxy');
  for (const {supervisor} of leaving) supervisor.stop(TERMINATE);
  await gone;
  return false;
}
