import type {Answer} from '../support/answer.ts';
import {BACKEND_HEADER} from '../support/backend.ts';
import type {Outcome} from '../support/exchange.ts';
import type {LoadReport, Loss} from '../support/load.ts';

/** A lost SYN is sent again after 1 s; what takes nearly that long was not served at once. */
const DELAYED_MS = 900;

/** Of so many failures the times are kept. */
const MAX_LOSSES = 10_000;

/** Counts what a load client sees. */
export interface Tally {
  sent(): void;
  connected(connectMs: number): void;
  answered(answer: Answer, startedAt: number): void;
  /** `startedAt`: epoch milliseconds, of the request. */
  failed(kind: string, startedAt: number): void;
  broke(): void;
  /** Counts an exchange: its connection, and its answer or failure. */
  ended(outcome: Outcome, startedAt: number): void;
  report(): LoadReport;
}

export function createTally(): Tally {
  let [sent, ok, failed, breaks] = [0, 0, 0, 0];
  const connectTimes: number[] = [];
  const losses: Loss[] = [];
  const failures: Record<string, number> = {};
  const answers: Record<string, number> = {};
  const count = (counts: Record<string, number>, name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  const tally: Tally = {
    sent: () => {
      sent += 1;
    },
    connected: connectMs => {
      connectTimes.push(connectMs);
    },
    answered({status, headers}, startedAt) {
      if (status !== 200) return tally.failed(`status ${status}`, startedAt);
      ok += 1;
      count(answers, headers[BACKEND_HEADER] ?? 'nobody');
    },
    failed(kind, startedAt) {
      failed += 1;
      if (losses.length < MAX_LOSSES) losses.push({kind, startedAt, endedAt: Date.now()});
      count(failures, kind);
    },
    broke: () => {
      breaks += 1;
    },
    ended(outcome, startedAt) {
      if (outcome.connectMs !== undefined) tally.connected(outcome.connectMs);
      if (outcome.is === 'answered') tally.answered(outcome.answer, startedAt);
      else tally.failed(outcome.kind, startedAt);
    },
    report() {
      const sorted = connectTimes.toSorted((a, b) => a - b);
      const at = (share: number) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 100) / 100;
      return {
        sent,
        ok,
        failed,
        failures: {...failures},
        losses: [...losses],
        breaks,
        connectMs: {p50: at(0.5), p99: at(0.99), max: at(1)},
        delayed: sorted.filter(connectMs => connectMs >= DELAYED_MS).length,
        answers: {...answers},
      };
    },
  };
  return tally;
}
