import {setTimeout as sleep} from 'node:timers/promises';
import {exchange, getSegments} from '../support/exchange.ts';
import type {ConnectLoad} from '../support/load.ts';
import type {Tally} from './tally.ts';

const DEFAULT_MAX_COUNT = 100_000;

/** Room for three lost SYNs (1 + 2 + 4 s): a stall shows as delay, an outage as failure. */
const TIMEOUT_MS = 8000;

/** How finely the rate is spread. */
const TICK_MS = 4;

/** A new connection every `1000 / perSecond` ms until `signal`; resolves when the last one has ended. */
export async function runConnect(load: ConnectLoad, tally: Tally, signal: AbortSignal): Promise<void> {
  const {host, port, perSecond, maxCount = DEFAULT_MAX_COUNT} = load;
  const segments = getSegments('/', host);
  const inFlight = new Set<Promise<void>>();
  const startedMs = performance.now();
  let begun = 0;
  const begin = () => {
    begun += 1;
    tally.sent();
    const startedAt = Date.now();
    const one = exchange({host, port, segments, timeoutMs: TIMEOUT_MS}).then(outcome => {
      tally.ended(outcome, startedAt);
      inFlight.delete(one);
    });
    inFlight.add(one);
  };
  while (!signal.aborted && begun < maxCount) {
    const due = Math.min(maxCount, Math.floor(((performance.now() - startedMs) * perSecond) / 1000));
    while (begun < due) begin();
    await sleep(TICK_MS);
  }
  await Promise.all(inFlight);
}
