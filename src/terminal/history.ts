import {formatTime} from '../dashboard/client/format.ts';
import type {HistoryEntry} from '../lifecycle/history.ts';
import {type Paint, paintDiff} from './paint.ts';
import {formatPairs, formatTable, plain} from './table.ts';

const MAX_CAUSE_CHARACTERS = 60;

const cut = (text: string): string =>
  text.length > MAX_CAUSE_CHARACTERS ? `${text.slice(0, MAX_CAUSE_CHARACTERS - 3)}...` : text;

const retriesText = ({retries}: HistoryEntry): string =>
  retries === undefined ? '' : ` (and ${retries.count} more times, last ${formatTime(retries.lastAt)})`;

/** The reason of a failure is never cut: it is what somebody looks for. */
const whyText = (entry: HistoryEntry): string =>
  entry.error === null ? cut(entry.cause) : `${entry.error}${retriesText(entry)}`;

const totalMs = ({phasesMs}: HistoryEntry): number =>
  Math.round(Object.values(phasesMs).reduce((sum, ms) => sum + (ms ?? 0), 0));

const countText = (joined: number, left: number): string =>
  [...(joined > 0 ? [`+${joined}`] : []), ...(left > 0 ? [`-${left}`] : [])].join(' ');

/** `/history` as a table, the newest first as it comes. */
export const describeHistory = (entries: readonly HistoryEntry[]): string =>
  formatTable(
    ['PASS', 'TIME', 'VERDICT', 'GEN', 'WAY', 'MS', 'PODS', 'LINES', 'CAUSE'],
    entries.map(entry => [
      String(entry.pass),
      formatTime(entry.startedAt),
      entry.verdict,
      String(entry.generation),
      entry.way,
      String(totalMs(entry)),
      countText(entry.joined.pods.length + entry.joined.more, entry.left.pods.length + entry.left.more),
      countText(entry.difference.added, entry.difference.removed),
      whyText(entry),
    ]),
  );

const podsText = ({pods, more}: HistoryEntry['joined'] | HistoryEntry['left']): string =>
  [
    ...pods.map(pod => `${pod.app} ${pod.ip} ${pod.id}${'why' in pod ? `: ${pod.why}` : ''}`),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('\n') || 'nobody';

/** One pass in full, with its difference. */
export function describePass(entry: HistoryEntry, paint: Paint): string {
  const {difference} = entry;
  const nothing = entry.secretsChanged
    ? 'only what is hidden changed'
    : difference.tooLarge
      ? 'too different to show'
      : 'none';
  return [
    formatPairs([
      ['Pass', `${entry.pass}, ${entry.verdict}`],
      ['Time', formatTime(entry.startedAt)],
      ['Cause', entry.cause],
      ...(entry.error === null ? [] : [['Error', `${entry.error}${retriesText(entry)}`] as const]),
      ['Generation', `${entry.generation}, ${entry.way}: ${entry.why}`],
      [
        'Phases',
        Object.entries(entry.phasesMs)
          .map(([phase, ms]) => `${phase} ${ms} ms`)
          .join(', '),
      ],
      ['Joined', podsText(entry.joined)],
      ['Left', podsText(entry.left)],
      ['Difference', difference.text === '' ? nothing : `+${difference.added} -${difference.removed} lines`],
    ]),
    difference.text === '' ? '' : paintDiff(difference.text.split('\n').map(plain).join('\n'), paint),
    difference.tooLarge && difference.text !== '' ? `... cut: haproxy-kontrol diff shows all\n` : '',
  ].join('');
}
