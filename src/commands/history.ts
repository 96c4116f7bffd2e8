import type {HistoryEntry} from '../lifecycle/history.ts';
import {describeHistory, describePass} from '../terminal/history.ts';
import type {CommandMain} from './call.ts';

const SHOWN = 20;
const KEPT = 200;

/** `haproxy-kontrol history`: the last passes, or one in full. */
export const history: CommandMain<'history'> = async given => {
  const [pass] = given.positionals;
  if (pass !== undefined) {
    const number = given.countOf('pass', pass, Number.MAX_SAFE_INTEGER);
    const entry = await given.client.json<HistoryEntry>(`/history/${number}`, 'verdict');
    if (given.has('json')) given.printJson(entry);
    else given.print(describePass(entry, given.screen));
    return 0;
  }
  const limit = given.count('limit', SHOWN, KEPT);
  const all = await given.client.json<HistoryEntry[]>(`/history?limit=${KEPT}`, 'a list');
  const shown = all.filter(({verdict}) => !given.has('failed') || verdict === 'failed').slice(0, limit);
  if (given.has('json')) given.printJson(shown);
  else given.print(describeHistory(shown, given.screen));
  return 0;
};
