import {reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Child, Exit} from '../ports/spawn.ts';
import {type Job, type JobEffect, type JobEvent, type JobSettings, type Ladder, stepJob, stoppedJob} from './job.ts';

export interface SupervisorPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Spawns the process; a rejection counts as its death. */
  readonly launch: () => Promise<Child>;
  /** Resolves when the process does its work. Its rejection means nothing: the process's exit or the limit decides. */
  readonly untilReady: (child: Child, signal: AbortSignal) => Promise<void>;
  /** Asked at each step, so that a candidate can be given other settings once it is promoted. */
  readonly settings: () => JobSettings;
  /** Every change of state, after it was logged. */
  readonly onChange?: (job: Job) => void;
}

/** One supervised process: `stepJob` with its effects carried out. */
export interface Supervisor {
  readonly job: Job;
  /** The process, from its start until its exit was seen. */
  readonly child: Child | undefined;
  start(): void;
  adopt(child: Child): void;
  stop(ladder: Ladder): void;
  /** Resolves with the first state, from now on or current, that satisfies the predicate. */
  reached(predicate: (job: Job) => boolean): Promise<Job>;
}

const NO_EXIT: Exit = {code: undefined, signal: undefined};

export function superviseJob(name: string, fields: Record<string, unknown>, ports: SupervisorPorts): Supervisor {
  const {clock, log} = ports;
  let job: Job = stoppedJob;
  let child: Child | undefined;
  let cancelWake = () => {};
  const waiters = new Set<{predicate: (job: Job) => boolean; resolve: (job: Job) => void}>();

  const send = (event: JobEvent): void => {
    const before = job;
    const [next, effects] = stepJob(job, event, clock.nowMs(), ports.settings());
    job = next;
    if (next !== before) cancelWake();
    if (next.is !== before.is) announce(before.is, event);
    for (const effect of effects) perform(effect);
  };

  const announce = (from: Job['is'], event: JobEvent): void => {
    const exit = event.is === 'exited' ? {exitCode: event.exit.code, signal: event.exit.signal} : {};
    const line = {...fields, job: name, from, to: job.is, event: event.is, pid: child?.pid, ...exit};
    if (job.is === 'FATAL' || job.is === 'BACKOFF') log.warn(line, 'job changed state');
    else log.info(line, 'job changed state');
    ports.onChange?.(job);
    for (const waiter of [...waiters].filter(({predicate}) => predicate(job))) {
      waiters.delete(waiter);
      waiter.resolve(job);
    }
  };

  const perform = (effect: JobEffect): void => {
    switch (effect.do) {
      case 'spawn':
        void spawn();
        return;
      case 'signal':
        child?.kill(effect.signal);
        return;
      case 'wake':
        cancelWake = clock.after(effect.atMs - clock.nowMs(), () => send({is: 'wake'}));
    }
  };

  const spawn = async (): Promise<void> => {
    try {
      const launched = await ports.launch();
      watch(launched);
      if (job.is === 'STOPPING') launched.kill('SIGTERM');
      const gone = new AbortController();
      void launched.exited.then(() => gone.abort());
      ports.untilReady(launched, gone.signal).then(
        () => child === launched && send({is: 'ready'}),
        () => undefined,
      );
    } catch (error) {
      log.warn({...fields, job: name, reason: reasonOf(error)}, 'job cannot be spawned');
      send({is: 'exited', exit: NO_EXIT});
    }
  };

  const watch = (watched: Child): void => {
    child = watched;
    void watched.exited.then(exit => {
      child = undefined;
      send({is: 'exited', exit});
    });
  };

  return {
    get job() {
      return job;
    },
    get child() {
      return child;
    },
    start: () => send({is: 'start'}),
    adopt(adopted) {
      watch(adopted);
      send({is: 'adopted'});
    },
    stop: ladder => send({is: 'stop', ladder}),
    reached: predicate =>
      predicate(job) ? Promise.resolve(job) : new Promise(resolve => waiters.add({predicate, resolve})),
  };
}
