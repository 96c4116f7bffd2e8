import type {Clock} from '../ports/clock.ts';
import type {Row} from './answers.ts';
import {type ErrorBound, newTroubleHistory, noteLook, type Trouble} from './troubles.ts';

/** What HAProxy's counters say is wrong, as of the last look. */
export interface TroubleWatch {
  readonly troubles: readonly Trouble[];
  /** Undefined when HAProxy did not answer: then nothing is known of it. */
  note(answers: {readonly info: ReadonlyMap<string, string>; readonly rows: readonly Row[]} | undefined): void;
}

export function createTroubleWatch(clock: Pick<Clock, 'nowMs'>, bound: ErrorBound): TroubleWatch {
  let history = newTroubleHistory;
  let troubles: readonly Trouble[] = [];
  return {
    get troubles() {
      return troubles;
    },
    note(answers) {
      if (answers === undefined) {
        troubles = [];
        return;
      }
      const {info, rows} = answers;
      const look = {
        atMs: clock.nowMs(),
        rows,
        connections: Number(info.get('CurrConns')) || 0,
        limit: Number(info.get('Maxconn')) || 0,
      };
      [history, troubles] = noteLook(history, look, bound);
    },
  };
}
