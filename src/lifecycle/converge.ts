import type {DamperSettings} from '../damper/damper.ts';
import type {Clock} from '../ports/clock.ts';
import {
  type Convergence,
  type ConvergenceEvent,
  causeOf,
  newConvergence,
  nextPassAtMs,
  stepConvergence,
} from './convergence.ts';

export interface ConvergerPorts {
  readonly clock: Clock;
  readonly damper: () => DamperSettings;
  /** Whether anything a template can see differs from what the last good pass saw. */
  readonly isStale: () => Promise<boolean>;
  /** Runs one pass; rejects when it failed. Reports its own failure. */
  readonly runPass: (cause: string) => Promise<void>;
}

/** Leads from changed inputs to passes, one at a time, until the proxy serves what the inputs say. */
export interface Converger {
  /** Something may have changed: looked at when the damper lets it through. */
  changed(cause: string): void;
  /** A pass now, or right after the running one. Resolves when it has ended; rejects when it failed. */
  demand(cause: string): Promise<void>;
  readonly state: Convergence;
  /** No pass begins any more. */
  close(): void;
}

export function openConverger(ports: ConvergerPorts): Converger {
  const {clock} = ports;
  let state = newConvergence;
  let cancelWake = () => {};
  let closed = false;
  let demanders: {resolve: () => void; reject: (error: unknown) => void}[] = [];

  const send = (event: ConvergenceEvent): void => {
    state = stepConvergence(state, event, clock.nowMs());
    schedule();
  };

  const schedule = (): void => {
    cancelWake();
    const atMs = closed ? undefined : nextPassAtMs(state, ports.damper(), clock.nowMs());
    if (atMs !== undefined) cancelWake = clock.after(atMs - clock.nowMs(), () => void begin());
  };

  const begin = async (): Promise<void> => {
    const isAsked = state.demanded || state.pass.is === 'failed';
    const cause = causeOf(state);
    const waiting = demanders;
    demanders = [];
    send({is: 'started'});
    try {
      if (isAsked || (await ports.isStale())) await ports.runPass(cause);
      send({is: 'ended', ok: true});
      for (const {resolve} of waiting) resolve();
    } catch (error) {
      send({is: 'ended', ok: false});
      for (const {reject} of waiting) reject(error);
    }
  };

  return {
    changed: cause => send({is: 'changed', cause}),
    demand(cause) {
      const ended = new Promise<void>((resolve, reject) => demanders.push({resolve, reject}));
      send({is: 'demanded', cause});
      return ended;
    },
    get state() {
      return state;
    },
    close() {
      closed = true;
      cancelWake();
    },
  };
}
