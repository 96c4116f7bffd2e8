import {setTimeout as sleep} from 'node:timers/promises';
import {SLOW_BYTES, SLOW_MS, SLOW_PATH} from '../support/backend.ts';
import {exchange, getSegments, type Outcome} from '../support/exchange.ts';
import type {SlowLoad} from '../support/load.ts';
import type {Tally} from './tally.ts';

const TIMEOUT_MS = SLOW_MS + 10_000;

/** Where nobody listens the next try may not follow at once. */
const PAUSE_MS = 100;

const isCut = (outcome: Outcome): boolean =>
  outcome.is === 'answered' && outcome.answer.status === 200 && outcome.answer.body.length !== SLOW_BYTES;

/** Each client downloads until `signal`; the download that is under way then is finished and counted. */
export async function runSlow({host, port, clients}: SlowLoad, tally: Tally, signal: AbortSignal): Promise<void> {
  const segments = getSegments(SLOW_PATH, host);
  const download = async () => {
    while (!signal.aborted) {
      tally.sent();
      const startedAt = Date.now();
      const outcome = await exchange({host, port, segments, timeoutMs: TIMEOUT_MS});
      const cut: Outcome = {is: 'failed', kind: 'truncated', connectMs: outcome.connectMs ?? 0};
      tally.ended(isCut(outcome) ? cut : outcome, startedAt);
      if (outcome.is === 'failed') await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({length: clients}, download));
}
