import type {Ladder} from '../jobs/job.ts';
import type {Supervisor} from '../jobs/supervisor.ts';
import {type Clock, within} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {END, FINISH, hasProcess, TERMINATE} from './generation.ts';

/** A HAProxy that is to go, by the number of its generation. */
export interface Leaving {
  readonly number: number;
  readonly supervisor: Pick<Supervisor, 'job' | 'stop' | 'reached'>;
}

const LEAVE: Ladder = [{signal: FINISH, graceMs: 0}];

/** One that is being started has no connections to wait for, and may hang. */
const GIVE_UP: Ladder = [{signal: FINISH, graceMs: 1000}, ...END];

/** What a second SIGTERM leaves of the grace: an idle HAProxy is gone within milliseconds and shall count as drained. */
const SKIPPED_GRACE_MS = 1000;

/** From the first signal that ends one to its end, unless the kernel itself holds it. */
const END_LIMIT_MS = 10_000;

/**
 * Tells generations to finish their connections and go; ends those that have not within the grace, of which `skip`
 * leaves 1 s, at once where it aborts. Resolves once all are gone: true when they went by themselves.
 */
export async function drainAll(
  leaving: readonly Leaving[],
  graceMs: number,
  skip: AbortSignal,
  {clock, log}: {readonly clock: Clock; readonly log: Log},
): Promise<boolean> {
  for (const {supervisor} of leaving) supervisor.stop(supervisor.job.is === 'STARTING' ? GIVE_UP : LEAVE);
  const gone = Promise.all(leaving.map(({supervisor}) => supervisor.reached(job => !hasProcess(job))));
  if ((await within(clock, graceMs, gone, skip)) !== undefined) return true;
  if (skip.aborted && (await within(clock, Math.min(graceMs, SKIPPED_GRACE_MS), gone)) !== undefined) return true;
  const generations = leaving.flatMap(({number, supervisor: {job}}) => (hasProcess(job) ? [number] : []));
  log.warn({generations}, 'connections outlived the grace: ending HAProxy');
  const end = (ladder: Ladder) => {
    for (const {supervisor} of leaving) supervisor.stop(ladder);
  };
  end(skip.aborted ? END : TERMINATE);
  if ((await within(clock, END_LIMIT_MS, gone, skip.aborted ? undefined : skip)) !== undefined) return false;
  end(END);
  await within(clock, END_LIMIT_MS, gone);
  return false;
}
