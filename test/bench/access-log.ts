import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import {parseAccessLine} from '../../src/proxy/access-line.ts';
import {openAccessLog} from '../../src/proxy/access-log.ts';
import {waitFor} from '../support/wait.ts';
import {HTTP_MESSAGE} from './access-log-line.ts';
import type {Figure} from './figure.ts';

const SENDER = fileURLToPath(new URL('access-log-process.ts', import.meta.url));

const RATES = [2500, 5000, 7500, 10_000, 15_000, 20_000, 30_000];
const SECONDS = 3;
const PARSED_LINES = 200_000;

/** Sends `perSecond` lines a second from another process, and counts those that were written. */
async function measure(perSecond: number): Promise<{sent: number; written: number}> {
  const {log} = openLog('error', {write: () => {}});
  const sink = {write: () => true, once: () => {}};
  await using access = await openAccessLog({sink, clock, log, port: 0, linesPerSecond: 1_000_000});
  const sender: ChildProcess = fork(SENDER, [String(access.port), String(perSecond), String(SECONDS)]);
  const [sent] = (await once(sender, 'message')) as [number];
  await once(sender, 'exit');
  let before = -1;
  await waitFor(() => {
    const isQuiet = access.counts.written === before;
    before = access.counts.written;
    return isQuiet;
  }, 'the end of the lines');
  return {sent, written: access.counts.written};
}

/** The most lines a second, of those tried, that the listener takes in and parses without losing one. */
export async function benchAccessLog(): Promise<Figure[]> {
  let lossless = 0;
  let lostAt: {rate: number; share: number} | undefined;
  for (const rate of RATES) {
    const {sent, written} = await measure(rate);
    if (written < sent) {
      lostAt = {rate, share: 1 - written / sent};
      break;
    }
    lossless = rate;
  }
  const startedMs = performance.now();
  for (let line = 0; line < PARSED_LINES; line += 1) parseAccessLine(HTTP_MESSAGE);
  const parsed = (PARSED_LINES * 1000) / (performance.now() - startedMs);
  return [
    {name: 'access log, lines/s without loss', value: lossless, unit: '1/s', better: 'more', beside: 'goal: 5,000'},
    ...(lostAt === undefined
      ? []
      : [
          {
            name: `access log, lost at ${lostAt.rate} lines/s`,
            value: lostAt.share * 100,
            unit: '%',
            better: 'less',
          } as const,
        ]),
    {name: 'access log, lines parsed on one core', value: parsed, unit: '1/s', better: 'more'},
  ];
}
