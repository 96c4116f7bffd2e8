import {DaemonError, reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {type Machine, type MachineEffect, type MachineEvent, newMachine, stepMachine, tagOf} from './machine.ts';
import type {ActionName, Manifest, StateSpec} from './manifest.ts';

/** One stay in a state: what its actions share. `cause` says why it was entered. */
export interface Visit {
  readonly tag: string;
  readonly cause: string;
}

/** A built-in action. It rejects when its work failed; it may stop early once `signal` aborts. */
export type Action = (visit: Visit, signal: AbortSignal) => Promise<void>;

export interface LifecyclePorts {
  readonly manifest: Manifest;
  readonly clock: Clock;
  readonly log: Log;
  readonly actions: Readonly<Record<ActionName, Action>>;
  readonly runShell: (block: string, visit: Visit, signal: AbortSignal) => Promise<void>;
  /** After a state's work, before anybody is answered; `fault` is what it failed of, if it did. */
  readonly onVisitEnded: (visit: Visit, fault: unknown) => void;
}

export interface Lifecycle {
  readonly state: {readonly tag: string; readonly sinceMs: number};
  /** Enters the initial state; resolves when its work is done, rejects with what made it fail. */
  boot(): Promise<void>;
  /** Asks for a transition; resolves when that state's work is done, rejects with what made it fail, or when refused. */
  goTo(tag: string, cause: string): Promise<void>;
  /** Enters the terminal state once the running one is done; resolves when its work is over, however it went. */
  stop(): Promise<void>;
}

/** The machine of `lifecycle.yml` with its effects carried out. */
export function openLifecycle(ports: LifecyclePorts): Lifecycle {
  const {manifest, clock, log} = ports;
  let machine: Machine = newMachine;
  let sinceMs = clock.nowMs();
  let nextRequest = 1;
  let running = new AbortController();
  /** Those who wait for the end of a visit: by request, or 0 for the visits that nobody asked for (boot, terminal). */
  const waiting = new Map<number, {cause: string; done: (fault: unknown) => void}>();
  const faults = new Map<number, unknown>();

  const send = (event: MachineEvent): void => {
    const from = tagOf(machine);
    const [next, effects] = stepMachine(machine, event, manifest);
    machine = next;
    if (tagOf(next) !== from) log.info({from, to: tagOf(next)}, 'lifecycle entered a state');
    for (const effect of effects) perform(effect);
  };

  const perform = (effect: MachineEffect): void => {
    switch (effect.do) {
      case 'enter':
        sinceMs = clock.nowMs();
        running = new AbortController();
        void work(effect.state, effect.request?.id ?? 0);
        return;
      case 'cancel':
        running.abort(new DaemonError('LIFECYCLE', `cannot finish state ${tagOf(machine)}: the daemon stops`));
        return;
      case 'answer': {
        const {id, tag} = effect.request;
        const refusal = new DaemonError('LIFECYCLE', `cannot go from ${tagOf(machine)} to ${tag}: not allowed`);
        const fault = effect.answer === 'OK' ? undefined : (faults.get(id) ?? refusal);
        faults.delete(id);
        settle(id, fault);
      }
    }
  };

  const settle = (id: number, fault: unknown): void => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    waiter?.done(fault);
  };

  const work = async (state: StateSpec, id: number): Promise<void> => {
    const visit = {tag: state.tag, cause: waiting.get(id)?.cause ?? state.tag};
    const {signal} = running;
    let fault: unknown;
    try {
      for (const name of state.run) {
        signal.throwIfAborted();
        await ports.actions[name](visit, signal);
      }
      if (state.shell !== undefined) await ports.runShell(state.shell, visit, signal);
    } catch (error) {
      fault = error ?? new Error('unknown');
      log.warn({to: state.tag, reason: reasonOf(error)}, 'lifecycle state failed');
    }
    ports.onVisitEnded(visit, fault);
    if (id === 0) settle(0, fault);
    else if (fault !== undefined) faults.set(id, fault);
    send({is: 'finished', ok: fault === undefined});
  };

  const waitFor = (id: number, cause: string): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.set(id, {cause, done: fault => (fault === undefined ? resolve() : reject(fault))});
    });

  return {
    get state() {
      return {tag: tagOf(machine), sinceMs: Math.round(clock.nowMs() - sinceMs)};
    },
    async boot() {
      const done = waitFor(0, 'boot');
      send({is: 'boot'});
      await done;
    },
    async goTo(tag, cause) {
      const id = nextRequest++;
      const done = waitFor(id, cause);
      send({is: 'requested', request: {id, tag}});
      await done;
    },
    async stop() {
      if (machine.is === 'ended') return;
      const ended = new Promise<void>(resolve => {
        waiting.set(0, {cause: 'stop', done: () => resolve()});
      });
      send({is: 'stop'});
      await ended;
    },
  };
}
