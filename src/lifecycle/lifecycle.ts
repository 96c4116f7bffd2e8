import {CutShort, DaemonError, reasonOf, rethrowBug} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {
  type CancelReason,
  describeRefusal,
  type Machine,
  type MachineEffect,
  type MachineEvent,
  newMachine,
  nextDueMs,
  type Request,
  stepMachine,
  tagOf,
} from './machine.ts';
import type {PassInput} from './passes.ts';
import type {ActionName, JobVerb, Manifest, StateSpec, StateStep} from './spec.ts';

/** One stay in a state: what its steps share. */
export interface Visit {
  readonly tag: string;
  /** Why it was entered, for people. */
  readonly cause: string;
  readonly origin: 'daemon' | 'socket';
  /** What came with the request, verbatim. */
  readonly input: Buffer | undefined;
  /** What its pass sees, where whoever asked for it has read that already. */
  readonly read?: PassInput | undefined;
  /** What its pass renders instead of the newest template. */
  readonly template?: string | undefined;
  /** Its pass starts a new HAProxy, though the running one could be told what changes, or need be told nothing. */
  readonly startsAnew?: boolean;
}

/** A built-in action. It rejects when its work failed; it may stop early once `signal` aborts. */
export type Action = (visit: Visit, signal: AbortSignal) => Promise<void>;

export interface VisitRequest {
  readonly cause: string;
  readonly origin: Visit['origin'];
  readonly input?: Buffer | undefined;
  readonly read?: PassInput | undefined;
  readonly template?: string | undefined;
  readonly startsAnew?: boolean;
  /** `finished` unless said otherwise. */
  readonly until?: Request['until'];
  /** Whether the one who asked is gone; absent when that cannot be. */
  readonly isGone?: () => Promise<boolean>;
}

export interface LifecyclePorts {
  readonly manifest: Manifest;
  readonly clock: Clock;
  readonly log: Log;
  readonly actions: Readonly<Record<ActionName, Action>>;
  readonly runJob: (verb: JobVerb, job: string) => Promise<void>;
  readonly runShell: (block: string, visit: Visit, signal: AbortSignal) => Promise<void>;
  /** Before a state's first step; a rejection is its fault. */
  readonly onVisitBegun: (visit: Visit) => Promise<void>;
  /**
   * After a state's last step, where none failed; a rejection is its fault. `hasRestarted`: its block had HAProxy take
   * `proxy.cfg`.
   */
  readonly onStepsDone: (visit: Visit, hasRestarted: boolean) => Promise<void>;
  /** After a state's work, before anybody is answered; `fault` is what it failed of, if it did. */
  readonly onVisitEnded: (visit: Visit, fault: unknown) => Promise<void>;
}

export interface Lifecycle {
  readonly state: {readonly tag: string; readonly sinceMs: number};
  /** What the last state that was finished failed of; null when it did not. */
  readonly lastFault: string | null;
  /** Enters the initial state; resolves when its work is done, rejects with what made it fail. */
  boot(): Promise<void>;
  /** Asks for a transition; resolves as `until` says, rejects with what made that state fail, or when refused. */
  goTo(tag: string, asked: VisitRequest): Promise<void>;
  /** What a shell block had done failed (or went well after all): the state whose block runs fails with it, whatever its block says. */
  blame(fault: unknown): void;
  /** Enters the terminal state once the running one is done; resolves, with its fault, when its work is over. */
  stop(): Promise<unknown>;
  /** Resolve when the terminal state is entered, and when its work is over. */
  readonly ending: {readonly entered: Promise<void>; readonly over: Promise<unknown>};
}

const CANCELLED: Readonly<Record<CancelReason, string>> = {
  superseded: 'superseded by a newer request',
  timeout: 'it took longer than its timeout',
  stop: 'the daemon stops',
};

/** One stay in a state, for those who end it from outside. */
interface Running {
  readonly work: AbortController;
  readonly shell: AbortController;
  inShell: boolean;
  hasRestarted: boolean;
  blamed: unknown;
}

interface State {
  readonly ports: LifecyclePorts;
  readonly waiting: Map<number, VisitRequest & {readonly done: (fault: unknown) => void}>;
  readonly faults: Map<number, unknown>;
  readonly booted: PromiseWithResolvers<unknown>;
  readonly entered: PromiseWithResolvers<void>;
  readonly over: PromiseWithResolvers<unknown>;
  machine: Machine;
  sinceMs: number;
  lastRequest: number;
  cancelWake: () => void;
  running: Running;
  supersededBy: {readonly request: Request; readonly wasGone: Promise<boolean>} | undefined;
  lastFault: string | null;
}

const startRunning = (): Running => ({
  work: new AbortController(),
  shell: new AbortController(),
  inShell: false,
  hasRestarted: false,
  blamed: undefined,
});

/** The machine of `lifecycle.yml` with its effects carried out. */
export function openLifecycle(ports: LifecyclePorts): Lifecycle {
  const {clock} = ports;
  const state: State = {
    ports,
    waiting: new Map(),
    faults: new Map(),
    booted: Promise.withResolvers(),
    entered: Promise.withResolvers(),
    over: Promise.withResolvers(),
    machine: newMachine,
    sinceMs: clock.nowMs(),
    lastRequest: 0,
    cancelWake: () => {},
    running: startRunning(),
    supersededBy: undefined,
    lastFault: null,
  };
  return {
    get state() {
      return {tag: tagOf(state.machine), sinceMs: Math.round(clock.nowMs() - state.sinceMs)};
    },
    get lastFault() {
      return state.lastFault;
    },
    ending: {entered: state.entered.promise, over: state.over.promise},
    async boot() {
      send(state, {is: 'boot'});
      const fault = await state.booted.promise;
      if (fault !== undefined) throw fault;
    },
    goTo: (tag, asked) => goTo(state, tag, asked),
    blame(fault) {
      const {running} = state;
      if (!running.inShell) return;
      running.blamed = fault;
      running.hasRestarted ||= fault === undefined;
    },
    async stop() {
      send(state, {is: 'stop'});
      return state.over.promise;
    },
  };
}

async function goTo(state: State, tag: string, asked: VisitRequest): Promise<void> {
  const id = ++state.lastRequest;
  const done = new Promise<unknown>(resolve => state.waiting.set(id, {...asked, done: resolve}));
  const {until = 'finished'} = asked;
  send(state, {is: 'requested', request: {id, tag, atMs: state.ports.clock.nowMs(), until}});
  const fault = await done;
  if (fault !== undefined) throw fault;
}

function send(state: State, event: MachineEvent): void {
  const {clock, log, manifest} = state.ports;
  const before = state.machine;
  const from = tagOf(before);
  const [next, effects] = stepMachine(before, event, clock.nowMs(), manifest);
  state.machine = next;
  if (tagOf(next) !== from) log.info({from, to: tagOf(next)}, 'lifecycle entered a state');
  for (const effect of effects) perform(state, effect, before);
  schedule(state);
}

function schedule(state: State): void {
  const {clock, manifest} = state.ports;
  state.cancelWake();
  const dueMs = nextDueMs(state.machine, manifest);
  if (dueMs !== undefined) state.cancelWake = clock.after(dueMs - clock.nowMs(), () => send(state, {is: 'wake'}));
}

function perform(state: State, effect: MachineEffect, before: Machine): void {
  switch (effect.do) {
    case 'enter':
      state.sinceMs = state.ports.clock.nowMs();
      state.running = startRunning();
      state.supersededBy = undefined;
      if (effect.state.tag === state.ports.manifest.terminal) state.entered.resolve();
      void work(state, effect.state, effect.request?.id);
      return;
    case 'cancel':
      cancel(state, effect.why, effect.by);
      return;
    case 'answer': {
      const {id, tag} = effect.request;
      const fault = effect.answer === 'OK' ? undefined : (state.faults.get(id) ?? refusalOf(state, before, tag));
      state.faults.delete(id);
      state.waiting.get(id)?.done(fault);
      state.waiting.delete(id);
    }
  }
}

const refusalOf = ({machine, ports}: State, before: Machine, tag: string): DaemonError =>
  new DaemonError('LIFECYCLE', describeRefusal(before, machine, tag, ports.manifest));

function cancel(state: State, why: CancelReason, by: Request | undefined): void {
  const {shell, work: all} = state.running;
  const from = tagOf(state.machine);
  const Fault = why === 'stop' ? CutShort : DaemonError;
  const fault = new Fault('LIFECYCLE', `cannot finish state ${from}: ${CANCELLED[why]}`);
  state.ports.log.info({from, to: by?.tag, reason: why}, 'lifecycle state is cancelled');
  if (by !== undefined) state.supersededBy = {request: by, wasGone: isGone(state, by)};
  // Whether the client lives has to be known before its process group may die.
  void (state.supersededBy?.wasGone ?? Promise.resolve()).then(() => shell.abort(fault));
  if (why !== 'superseded') all.abort(fault);
}

const isGone = async ({waiting}: State, {id}: Request): Promise<boolean> =>
  (await waiting.get(id)?.isGone?.()) ?? false;

async function work(state: State, spec: StateSpec, id: number | undefined): Promise<void> {
  const {ports, running, waiting} = state;
  const visit = visitOf(spec.tag, id === undefined ? undefined : waiting.get(id));
  let fault: unknown;
  try {
    await ports.onVisitBegun(visit);
    await takeAll(state, spec, visit);
    if (running.blamed !== undefined) throw running.blamed;
    await ports.onStepsDone(visit, running.hasRestarted);
  } catch (error) {
    rethrowBug(error);
    fault = error;
  }
  const ownWaiter = await findInsider(state);
  const isDropped = ownWaiter !== undefined && !isObeyed(state, ownWaiter);
  if (isDropped) {
    const reason = `its own block waited for state ${ownWaiter.tag}, which can only follow it`;
    fault = new DaemonError('LIFECYCLE', `cannot finish state ${spec.tag}: ${reason}`);
  }
  const failed = fault !== undefined && !(fault instanceof CutShort);
  if (failed) ports.log.warn({to: spec.tag, reason: reasonOf(fault)}, 'lifecycle state failed');
  await ports.onVisitEnded(visit, fault);
  state.lastFault = failed ? reasonOf(fault) : null;
  if (id !== undefined && fault !== undefined && waiting.has(id)) state.faults.set(id, fault);
  // The first time is the boot's, and the only one that counts.
  if (spec.tag === ports.manifest.initial) state.booted.resolve(fault);
  if (spec.tag === ports.manifest.terminal) state.over.resolve(fault);
  if (isDropped) send(state, {is: 'withdrawn', id: ownWaiter.id});
  send(state, {is: 'finished', ok: fault === undefined});
}

function visitOf(tag: string, asked: VisitRequest | undefined): Visit {
  const {cause = tag, origin = 'daemon', input, read, template, startsAnew} = asked ?? {};
  return {
    tag,
    cause,
    origin,
    input,
    ...(read && {read}),
    ...(template !== undefined && {template}),
    ...(startsAnew && {startsAnew}),
  };
}

/** Who superseded the state, if that client died with its block: it came from inside. */
async function findInsider(state: State): Promise<Request | undefined> {
  if (state.supersededBy === undefined) return undefined;
  const {request, wasGone} = state.supersededBy;
  return !(await wasGone) && (await isGone(state, request)) ? request : undefined;
}

/**
 * A block that says `GOTO` wants to go on elsewhere. One that says `WAIT` wants to know what came of it, and never will;
 * in 2017 it was obeyed all the same. For the state that it is in itself, that would be a loop.
 */
const isObeyed = ({ports: {manifest}, machine}: State, {until, tag}: Request): boolean =>
  until === 'entered' || (manifest.isOf2017 && tag !== tagOf(machine));

async function takeAll(state: State, {tag, steps}: StateSpec, visit: Visit): Promise<void> {
  const {ports, running} = state;
  for (const [index, step] of steps.entries()) {
    try {
      await take(step, visit, running, ports);
    } catch (error) {
      rethrowBug(error);
      const insider = await findInsider(state);
      if (insider === undefined || !isObeyed(state, insider)) throw error;
      const reason = `its own block asked for state ${insider.tag} and waited for the answer, which ended it`;
      // Others were to follow, a reload perhaps.
      if (index < steps.length - 1) throw new DaemonError('LIFECYCLE', `cannot finish state ${tag}: ${reason}`);
      ports.log.warn({to: tag, reason}, 'what stands behind that in the block is not done');
    }
  }
}

async function take(
  step: StateStep,
  visit: Visit,
  running: Running,
  {actions, runJob, runShell}: LifecyclePorts,
): Promise<void> {
  running.work.signal.throwIfAborted();
  switch (step.is) {
    case 'action':
      await actions[step.name](visit, running.work.signal);
      return;
    case 'job':
      await runJob(step.verb, step.job);
      return;
    case 'shell':
      running.inShell = true;
      try {
        await runShell(step.block, visit, running.shell.signal);
      } finally {
        running.inShell = false;
      }
  }
}
