import {systemClock as clock, pause} from '../ports/clock.ts';
import {prettyLine} from '../ports/pretty.ts';
import type {RecentLine} from '../ports/recent-lines.ts';
import type {CommandMain} from './call.ts';

const SHOWN = 100;
const KEPT = 1000;
const POLL_MS = 500;

/** `haproxy-kontrol logs`: the last lines, and with `--follow` those to come. */
export const logs: CommandMain<'logs'> = async ({client, isColored, has, count, print, gone}) => {
  const kind = has('access') ? 'access' : 'daemon';
  let after = 0;
  const show = async (limit: number) => {
    const lines = await client.json<RecentLine[]>(`/logs?kind=${kind}&after=${after}&limit=${limit}`, 'a list');
    for (const {number, text} of lines) {
      after = number;
      print(`${has('json') ? text : prettyLine(text, isColored)}\n`);
    }
  };
  await show(count('lines', SHOWN, KEPT));
  while (has('follow') && !gone.aborted) {
    await pause(clock, POLL_MS, gone);
    await show(KEPT);
  }
  return 0;
};
