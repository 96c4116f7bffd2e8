import type {Exit} from '../ports/spawn.ts';

/*
 * INVARIANTS
 * - A process is spawned only in STARTING, and a spawn is always followed by exactly one `exited`.
 * - FATAL, EXITED and STOPPED have no process; only `start` leaves them.
 * - STOPPING climbs its ladder of signals by itself and ends only when the process is gone.
 * - No signal is sent twice in a row: a HAProxy from before May 2024 spins
 *   for ever when the second one meets it as it goes (its issue 2537).
 * - What is due later is asked for by a `wake`; a wake that comes too late or for another state does nothing.
 */

/** A supervised child, with supervisord's states. Times are monotonic milliseconds. */
export type Job =
  | {readonly is: 'STOPPED'}
  | {readonly is: 'STARTING'; readonly failures: number; readonly sinceMs: number}
  | {readonly is: 'RUNNING'; readonly failures: number; readonly sinceMs: number}
  | {readonly is: 'BACKOFF'; readonly failures: number; readonly untilMs: number; readonly exit: Exit}
  | {
      readonly is: 'STOPPING';
      readonly sinceMs: number;
      readonly untilMs: number;
      /** What it was sent last, by whomever. */
      readonly sent: NodeJS.Signals | undefined;
      readonly ladder: Ladder;
    }
  /** It had come up, ended, and is not to be started again. */
  | {readonly is: 'EXITED'; readonly exit: Exit}
  | {readonly is: 'FATAL'; readonly failures: number; readonly exit: Exit};

/** Signals that end a process, each with the time it gets before the next one is sent. */
export type Ladder = readonly {readonly signal: NodeJS.Signals; readonly graceMs: number}[];

export type JobEvent =
  | {readonly is: 'start'}
  /** A process of an earlier daemon is taken as this job's, running. */
  | {readonly is: 'adopted'}
  | {readonly is: 'ready'}
  | {readonly is: 'exited'; readonly exit: Exit}
  /** `sent`: the signal that somebody else has sent it. */
  | {readonly is: 'stop'; readonly ladder: Ladder; readonly sent?: NodeJS.Signals | undefined}
  | {readonly is: 'wake'};

export type JobEffect =
  | {readonly do: 'spawn'}
  | {readonly do: 'signal'; readonly signal: NodeJS.Signals}
  | {readonly do: 'wake'; readonly atMs: number};

export interface JobSettings {
  /** Deaths in a row that are answered with another start; the next one is FATAL. */
  readonly retries: number;
  /** How long after the n-th death in a row (n from 1) the next start waits. */
  readonly delayMs: (failures: number) => number;
  /** A process that ran this long has proved itself: its death counts as the first. */
  readonly stableMs: number;
  /** A process that is not ready by then is killed, which counts as a death. */
  readonly readyWithinMs: number;
  /** Whether the end of a process that was ready calls for another; always when absent. */
  readonly restarts?: (exit: Exit) => boolean;
}

type Step = readonly [Job, readonly JobEffect[]];

export const stoppedJob: Job = {is: 'STOPPED'};

export function stepJob(job: Job, event: JobEvent, nowMs: number, settings: JobSettings): Step {
  switch (event.is) {
    case 'start':
      return isDown(job) ? start(0, nowMs, settings) : [job, []];
    case 'adopted':
      return job.is === 'STOPPED' ? [{is: 'RUNNING', failures: 0, sinceMs: nowMs}, []] : [job, []];
    case 'ready':
      return job.is === 'STARTING' ? [{is: 'RUNNING', failures: job.failures, sinceMs: nowMs}, []] : [job, []];
    case 'exited':
      return exited(job, event.exit, nowMs, settings);
    case 'stop':
      return stop(job, event, nowMs);
    case 'wake':
      return wake(job, nowMs, settings);
  }
}

/** It has no process and waits for none. */
export const isDown = (job: Job): boolean => job.is === 'STOPPED' || job.is === 'EXITED' || job.is === 'FATAL';

const start = (failures: number, nowMs: number, settings: JobSettings): Step => [
  {is: 'STARTING', failures, sinceMs: nowMs},
  [{do: 'spawn'}, {do: 'wake', atMs: nowMs + settings.readyWithinMs}],
];

function exited(job: Job, exit: Exit, nowMs: number, settings: JobSettings): Step {
  switch (job.is) {
    case 'STARTING':
      return fail(job.failures + 1, exit, nowMs, settings);
    case 'RUNNING':
      if (settings.restarts?.(exit) === false) return [{is: 'EXITED', exit}, []];
      return fail(nowMs - job.sinceMs >= settings.stableMs ? 1 : job.failures + 1, exit, nowMs, settings);
    case 'STOPPING':
      return [stoppedJob, []];
    case 'STOPPED':
    case 'BACKOFF':
    case 'EXITED':
    case 'FATAL':
      return [job, []];
  }
}

function fail(failures: number, exit: Exit, nowMs: number, settings: JobSettings): Step {
  if (failures > settings.retries) return [{is: 'FATAL', failures, exit}, []];
  const untilMs = nowMs + settings.delayMs(failures);
  return [{is: 'BACKOFF', failures, untilMs, exit}, [{do: 'wake', atMs: untilMs}]];
}

function stop(job: Job, {ladder, sent}: JobEvent & {readonly is: 'stop'}, nowMs: number): Step {
  switch (job.is) {
    case 'STARTING':
    case 'RUNNING':
      return climb(ladder, nowMs, {sinceMs: nowMs, sent});
    case 'STOPPING':
      return climb(ladder, nowMs, {sinceMs: job.sinceMs, sent: sent ?? job.sent});
    case 'BACKOFF':
      return [stoppedJob, []];
    case 'STOPPED':
    case 'EXITED':
    case 'FATAL':
      return [job, []];
  }
}

/** Sends the ladder's first signal; the last rung is left to work for as long as it takes. */
function climb(
  ladder: Ladder,
  nowMs: number,
  {sinceMs, sent}: {readonly sinceMs: number; readonly sent: NodeJS.Signals | undefined},
): Step {
  const [rung, ...rest] = ladder;
  const untilMs = rung === undefined || rest.length === 0 ? Number.POSITIVE_INFINITY : nowMs + rung.graceMs;
  const signals: JobEffect[] = rung === undefined || rung.signal === sent ? [] : [{do: 'signal', signal: rung.signal}];
  const wakes: JobEffect[] = untilMs === Number.POSITIVE_INFINITY ? [] : [{do: 'wake', atMs: untilMs}];
  return [{is: 'STOPPING', sinceMs, untilMs, sent: rung?.signal ?? sent, ladder: rest}, [...signals, ...wakes]];
}

function wake(job: Job, nowMs: number, settings: JobSettings): Step {
  switch (job.is) {
    case 'STARTING':
      if (nowMs < job.sinceMs + settings.readyWithinMs) return [job, []];
      return [job, [{do: 'signal', signal: 'SIGKILL'}]];
    case 'BACKOFF':
      return nowMs < job.untilMs ? [job, []] : start(job.failures, nowMs, settings);
    case 'STOPPING':
      return nowMs < job.untilMs ? [job, []] : climb(job.ladder, nowMs, job);
    case 'RUNNING':
    case 'STOPPED':
    case 'EXITED':
    case 'FATAL':
      return [job, []];
  }
}
