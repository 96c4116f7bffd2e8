import type {DamperSettings} from '../damper/damper.ts';
import {rethrowBug} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {
  type Convergence,
  type ConvergenceEvent,
  describeCauses,
  newConvergence,
  nextPassAtMs,
  stepConvergence,
} from './convergence.ts';
import type {PassInput} from './passes.ts';

export interface ConvergerPorts {
  readonly clock: Clock;
  readonly damper: () => DamperSettings;
  /** What a template can see now; undefined when the last good pass saw the same. Rejects when it cannot be read. */
  readonly readChanged: () => Promise<PassInput | undefined>;
  /** A pass will come: now, or when the damper lets the change through. */
  readonly prepare: () => void;
  /** Runs one pass, on what was read or on what it reads itself; rejects when it failed. Reports its own failure. */
  readonly runPass: (cause: string, read: PassInput | undefined) => Promise<void>;
}

/** Leads from changed inputs to passes, one at a time, until the proxy serves what the inputs say. */
export interface Converger {
  /** The first pass, now; until then whatever changes or is asked for waits to be a part of it. Ends as `demand` does. */
  start(cause: string): Promise<void>;
  /**
   * Something may have changed: looked at when the damper lets it through. `isRepeat`: the cause was told before, so it
   * counts only where no other does.
   */
  changed(cause: string, isRepeat?: boolean): void;
  /** A pass now, or right after the running one, for whoever does not wait for it. */
  request(cause: string): void;
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
    if (event.is === 'begun' || event.is === 'changed' || event.is === 'demanded') ports.prepare();
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
    const cause = describeCauses(state);
    const waiting = demanders;
    demanders = [];
    send({is: 'started'});
    try {
      const read = isAsked ? undefined : await look();
      if (read !== 'equal') await ports.runPass(cause, read);
      send({is: 'ended', ok: true});
      for (const {resolve} of waiting) resolve();
    } catch (error) {
      rethrowBug(error);
      send({is: 'ended', ok: false});
      for (const {reject} of waiting) reject(error);
    }
  };

  /** What cannot be read makes the pass fail, with its reason. */
  const look = (): Promise<PassInput | undefined | 'equal'> =>
    ports.readChanged().then(
      read => read ?? 'equal',
      error => void rethrowBug(error),
    );

  const demand = (event: ConvergenceEvent): Promise<void> => {
    const ended = new Promise<void>((resolve, reject) => demanders.push({resolve, reject}));
    send(event);
    return ended;
  };

  return {
    start: cause => demand({is: 'begun', cause}),
    changed: (cause, isRepeat = false) => send({is: 'changed', cause, isRepeat}),
    request: cause => send({is: 'demanded', cause}),
    demand: cause => demand({is: 'demanded', cause}),
    get state() {
      return state;
    },
    close() {
      closed = true;
      cancelWake();
    },
  };
}
