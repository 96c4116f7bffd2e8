import {helperSettings, serveHelper} from '../support/helper.ts';
import type {LoadQuestion, LoadReport, LoadSettings} from '../support/load.ts';
import {runConnect} from './connect.ts';
import {runKeepalive} from './keepalive.ts';
import {runSlow} from './slow.ts';
import {createTally, type Tally} from './tally.ts';

/**
 * The load client. By itself (`node load-process.ts '<settings>'`) it runs for its duration and prints its report as
 * one line of JSON; under `startLoad` it answers questions.
 */
function run(settings: LoadSettings, tally: Tally, signal: AbortSignal): Promise<void> {
  switch (settings.mode) {
    case 'connect':
      return runConnect(settings, tally, signal);
    case 'keepalive':
      return runKeepalive(settings, tally, signal);
    case 'slow':
      return runSlow(settings, tally, signal);
  }
}

const settings = helperSettings<LoadSettings>();
const stop = new AbortController();
const tally = createTally();
const ended = run(settings, tally, AbortSignal.any([stop.signal, AbortSignal.timeout(settings.durationMs)]));

if (process.send === undefined) {
  await ended;
  process.stdout.write(`${JSON.stringify(tally.report())}\n`);
} else {
  serveHelper<LoadQuestion, LoadReport>(async question => {
    if (question === 'stop') stop.abort();
    if (question !== 'report') await ended;
    return tally.report();
  });
}
