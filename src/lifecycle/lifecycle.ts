import {DaemonError, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {
  type CancelReason,
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
}

/** A built-in action. It rejects when its work failed; it may stop early once `signal` aborts. */
export type Action = (visit: Visit, signal: AbortSignal) => Promise<void>;

export interface VisitRequest {
  readonly cause: string;
  readonly origin: Visit['origin'];
  readonly input?: Buffer | undefined;
  readonly read?: PassInput | undefined;
  readonly template?: string | undefined;
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

/** The machine of `lifecycle.yml` with its effects carried out. */
export function openLifecycle(ports: LifecyclePorts): Lifecycle {
  const {manifest, clock, log} = ports;
  let machine: Machine = newMachine;
  let sinceMs = clock.nowMs();
  let nextRequest = 1;
  let cancelWake = () => {};
  let running = {
    work: new AbortController(),
    shell: new AbortController(),
    inShell: false,
    blamed: undefined as unknown,
  };
  let supersededBy: {request: Request; wasGone: Promise<boolean>} | undefined;
  let lastFault: string | null = null;
  const waiting = new Map<number, VisitRequest & {done: (fault: unknown) => void}>();
  const faults = new Map<number, unknown>();
  const booted = Promise.withResolvers<unknown>();
  const entered = Promise.withResolvers<void>();
  const over = Promise.withResolvers<unknown>();

  const send = (event: MachineEvent): void => {
    const from = tagOf(machine);
    const [next, effects] = stepMachine(machine, event, clock.nowMs(), manifest);
    machine = next;
    if (tagOf(next) !== from) log.info({from, to: tagOf(next)}, 'lifecycle entered a state');
    for (const effect of effects) perform(effect);
    schedule();
  };

  const schedule = (): void => {
    cancelWake();
    const dueMs = nextDueMs(machine, manifest);
    if (dueMs !== undefined) cancelWake = clock.after(dueMs - clock.nowMs(), () => send({is: 'wake'}));
  };

  const perform = (effect: MachineEffect): void => {
    switch (effect.do) {
      case 'enter':
        sinceMs = clock.nowMs();
        running = {work: new AbortController(), shell: new AbortController(), inShell: false, blamed: undefined};
        supersededBy = undefined;
        if (effect.state.tag === manifest.terminal) entered.resolve();
        void work(effect.state, effect.request?.id);
        return;
      case 'cancel':
        cancel(effect.why, effect.by);
        return;
      case 'answer': {
        const {id, tag} = effect.request;
        const refusal = new DaemonError('LIFECYCLE', `cannot go from ${tagOf(machine)} to ${tag}: not allowed`);
        const fault = effect.answer === 'OK' ? undefined : (faults.get(id) ?? refusal);
        faults.delete(id);
        waiting.get(id)?.done(fault);
        waiting.delete(id);
      }
    }
  };

  const cancel = (why: CancelReason, by: Request | undefined): void => {
    const fault = new DaemonError('LIFECYCLE', `cannot finish state ${tagOf(machine)}: ${CANCELLED[why]}`);
    log.info({from: tagOf(machine), to: by?.tag, reason: why}, 'lifecycle state is cancelled');
    if (by !== undefined) supersededBy = {request: by, wasGone: isGone(by)};
    // Whether the client lives has to be known before its process group may die.
    void (supersededBy?.wasGone ?? Promise.resolve()).then(() => shell.abort(fault));
    const {shell, work: all} = running;
    if (why !== 'superseded') all.abort(fault);
  };

  const isGone = async ({id}: Request): Promise<boolean> => (await waiting.get(id)?.isGone?.()) ?? false;

  const work = async (state: StateSpec, id: number | undefined): Promise<void> => {
    const asked = id === undefined ? undefined : waiting.get(id);
    const {cause = state.tag, origin = 'daemon', input, read, template} = asked ?? {};
    const visit: Visit = {
      tag: state.tag,
      cause,
      origin,
      input,
      ...(read && {read}),
      ...(template !== undefined && {template}),
    };
    const own = running;
    let fault: unknown;
    try {
      await ports.onVisitBegun(visit);
      for (const step of state.steps) await take(step, visit, own);
      if (own.blamed !== undefined) throw own.blamed;
    } catch (error) {
      fault = error ?? new Error('unknown');
    }
    const ownWaiter = await findOwnWaiter();
    if (ownWaiter !== undefined) {
      const reason = `its own block waited for state ${ownWaiter.tag}, which can only follow it`;
      fault = new DaemonError('LIFECYCLE', `cannot finish state ${state.tag}: ${reason}`);
    }
    if (fault !== undefined) log.warn({to: state.tag, reason: reasonOf(fault)}, 'lifecycle state failed');
    await ports.onVisitEnded(visit, fault);
    lastFault = fault === undefined ? null : reasonOf(fault);
    if (id !== undefined && fault !== undefined && waiting.has(id)) faults.set(id, fault);
    if (state.tag === manifest.initial && id === undefined) booted.resolve(fault);
    if (state.tag === manifest.terminal) over.resolve(fault);
    if (ownWaiter !== undefined) send({is: 'withdrawn', id: ownWaiter.id});
    send({is: 'finished', ok: fault === undefined});
  };

  /** Who superseded the state, if that client died with its block: it came from inside, and to obey it would loop for ever. */
  const findOwnWaiter = async (): Promise<Request | undefined> => {
    if (supersededBy === undefined) return undefined;
    const {request, wasGone} = supersededBy;
    return !(await wasGone) && (await isGone(request)) ? request : undefined;
  };

  const take = async (step: StateStep, visit: Visit, own: typeof running): Promise<void> => {
    own.work.signal.throwIfAborted();
    switch (step.is) {
      case 'action':
        await ports.actions[step.name](visit, own.work.signal);
        return;
      case 'job':
        await ports.runJob(step.verb, step.job);
        return;
      case 'shell':
        own.inShell = true;
        await ports.runShell(step.block, visit, own.shell.signal);
        own.inShell = false;
    }
  };

  return {
    get state() {
      return {tag: tagOf(machine), sinceMs: Math.round(clock.nowMs() - sinceMs)};
    },
    get lastFault() {
      return lastFault;
    },
    ending: {entered: entered.promise, over: over.promise},
    async boot() {
      send({is: 'boot'});
      const fault = await booted.promise;
      if (fault !== undefined) throw fault;
    },
    async goTo(tag, asked) {
      const id = nextRequest++;
      const done = new Promise<unknown>(resolve => waiting.set(id, {...asked, done: resolve}));
      const {until = 'finished'} = asked;
      send({is: 'requested', request: {id, tag, atMs: clock.nowMs(), until}});
      const fault = await done;
      if (fault !== undefined) throw fault;
    },
    blame(fault) {
      if (running.inShell) running.blamed = fault;
    },
    async stop() {
      send({is: 'stop'});
      return over.promise;
    },
  };
}
