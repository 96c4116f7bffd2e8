import type {HistoryEntry} from '../lifecycle/history.ts';
import {paintDiff} from '../terminal/paint.ts';
import {plain} from '../terminal/plain.ts';
import type {CommandMain} from './call.ts';

const isChange = ({difference, secretsChanged}: HistoryEntry): boolean =>
  secretsChanged || difference.text !== '' || difference.tooLarge;

/** `haproxy-kontrol diff`: without arguments, what the last pass that changed anything changed. */
export const diff: CommandMain<'diff'> = async given => {
  const {client, positionals, paint, countOf, print, printJson} = given;
  const [from, to] = positionals.map(pass => countOf('pass', pass, Number.MAX_SAFE_INTEGER));
  if (from !== undefined) {
    const text = await client.text(`/config/diff?from=${from}${to === undefined ? '' : `&to=${to}`}`);
    if (given.has('json')) printJson({from, to: to ?? null, text});
    else print(paintDiff(text, paint));
    return 0;
  }
  const changed = (await client.json<HistoryEntry[]>('/history', 'a list')).find(isChange);
  if (given.has('json')) {
    printJson(changed === undefined ? null : resultOf(changed));
    return 0;
  }
  if (changed === undefined) {
    print('no pass has changed anything yet\n');
    return 0;
  }
  const {pass, cause, verdict, difference, secretsChanged} = changed;
  print(`pass ${pass}, ${verdict}: ${plain(cause)}\n`);
  print(secretsChanged ? 'only what is hidden changed\n' : paintDiff(difference.text, paint));
  return 0;
};

const resultOf = ({pass, cause, verdict, difference, secretsChanged}: HistoryEntry) => ({
  pass,
  verdict,
  cause,
  difference,
  secretsChanged,
});
