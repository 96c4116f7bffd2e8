import {foreseenReason, rethrowBug} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Child} from '../ports/spawn.ts';
import {type Job, type JobEffect, type JobEvent, type JobSettings, type Ladder, stepJob, stoppedJob} from './job.ts';

const UNWANTED_GRACE_MS = 1000;

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
  /** Sends the signals of the ladder; but not its first one where somebody else has `sent` that. */
  stop(ladder: Ladder, sent?: NodeJS.Signals): void;
  /** Resolves with the first state, from now on or current, that satisfies the predicate. */
  reached(predicate: (job: Job) => boolean): Promise<Job>;
}

interface State {
  readonly name: string;
  /** Of every line that is logged about it. */
  readonly fields: Record<string, unknown>;
  readonly ports: SupervisorPorts;
  job: Job;
  child: Child | undefined;
  cancelWake: () => void;
  readonly waiters: Set<{predicate: (job: Job) => boolean; resolve: (job: Job) => void}>;
}

export function superviseJob(name: string, fields: Record<string, unknown>, ports: SupervisorPorts): Supervisor {
  const state: State = {
    name,
    fields,
    ports,
    job: stoppedJob,
    child: undefined,
    cancelWake: () => {},
    waiters: new Set(),
  };
  return {
    get job() {
      return state.job;
    },
    get child() {
      return state.child;
    },
    start: () => send(state, {is: 'start'}),
    adopt(child) {
      watch(state, child);
      send(state, {is: 'adopted'});
    },
    stop: (ladder, sent) => send(state, {is: 'stop', ladder, sent}),
    reached: predicate =>
      predicate(state.job)
        ? Promise.resolve(state.job)
        : new Promise(resolve => state.waiters.add({predicate, resolve})),
  };
}

function send(state: State, event: JobEvent): void {
  const {clock, settings} = state.ports;
  const before = state.job;
  const [next, effects] = stepJob(before, event, clock.nowMs(), settings());
  state.job = next;
  if (next !== before) state.cancelWake();
  if (next.is !== before.is) announce(state, before.is, event);
  for (const effect of effects) perform(state, effect);
}

function announce(state: State, from: Job['is'], event: JobEvent): void {
  const {name, fields, ports, job, child, waiters} = state;
  const exit = event.is === 'exited' ? {exitCode: event.exit.code, signal: event.exit.signal} : {};
  const line = {...fields, job: name, from, to: job.is, event: event.is, pid: child?.pid, ...exit};
  if (job.is === 'FATAL' || job.is === 'BACKOFF') ports.log.warn(line, 'job changed state');
  else ports.log.info(line, 'job changed state');
  ports.onChange?.(job);
  // Who was told may have asked for the next step already.
  for (const waiter of [...waiters].filter(({predicate}) => predicate(state.job))) {
    waiters.delete(waiter);
    waiter.resolve(state.job);
  }
}

function perform(state: State, effect: JobEffect): void {
  const {clock} = state.ports;
  switch (effect.do) {
    case 'spawn':
      void spawn(state);
      return;
    case 'signal':
      state.child?.kill(effect.signal);
      return;
    case 'wake':
      state.cancelWake = clock.after(effect.atMs - clock.nowMs(), () => send(state, {is: 'wake'}));
  }
}

async function spawn(state: State): Promise<void> {
  const {name, fields, ports} = state;
  try {
    const launched = await ports.launch();
    watch(state, launched);
    if (state.job.is === 'STOPPING') endUnwanted(launched, ports.clock);
    const gone = new AbortController();
    void launched.exited.then(() => gone.abort());
    ports.untilReady(launched, gone.signal).then(
      () => state.child === launched && send(state, {is: 'ready'}),
      error => {
        if (!gone.signal.aborted) rethrowBug(error);
      },
    );
  } catch (error) {
    const reason = foreseenReason(error);
    ports.log.warn({...fields, job: name, reason}, 'job cannot be spawned');
    send(state, {is: 'exited', exit: {code: undefined, signal: undefined, unstarted: reason}});
  }
}

/** Who stopped it while it was spawned had nobody to signal, perhaps up to the last signal. It has done nothing yet. */
function endUnwanted(launched: Child, clock: Clock): void {
  launched.kill('SIGTERM');
  const cancel = clock.after(UNWANTED_GRACE_MS, () => launched.kill('SIGKILL'));
  void launched.exited.then(cancel);
}

function watch(state: State, child: Child): void {
  state.child = child;
  void child.exited.then(exit => {
    state.child = undefined;
    send(state, {is: 'exited', exit});
  });
}
