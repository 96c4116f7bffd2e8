import type {HistoryEntry} from '../lifecycle/history.ts';
import {formatMoment} from './moment.ts';
import {paintDiff, type Tone} from './paint.ts';
import {formatPairs, formatTable, NO_SCREEN, type Screen} from './table.ts';

const retriesText = ({retries}: HistoryEntry): string =>
  retries === undefined
    ? ''
    : ` (and ${retries.count === 1 ? 'once' : `${retries.count} times`} more, last ${formatMoment(retries.lastAt)})`;

const whyText = (entry: HistoryEntry): string =>
  entry.error === null ? entry.cause : `${entry.error}${retriesText(entry)}`;

const TONES: Readonly<Record<HistoryEntry['verdict'], Tone>> = {ok: 'good', unchanged: 'faint', failed: 'bad'};

const totalMs = ({phasesMs}: HistoryEntry): number =>
  Math.round(Object.values(phasesMs).reduce((sum, ms) => sum + (ms ?? 0), 0));

const countText = (joined: number, left: number): string =>
  [...(joined > 0 ? [`+${joined}`] : []), ...(left > 0 ? [`-${left}`] : [])].join(' ');

/** `/history` as a table, the newest first as it comes. */
export const describeHistory = (entries: readonly HistoryEntry[], screen?: Screen): string =>
  formatTable(
    [
      'PASS',
      'TIME',
      'VERDICT',
      {name: 'GEN', spare: 3},
      {name: 'WAY', spare: 4},
      {name: 'MS', spare: 5},
      {name: 'PODS', spare: 1},
      {name: 'LINES', spare: 2},
      {name: 'CAUSE', isReason: true},
    ],
    entries.map(entry => [
      String(entry.pass),
      formatMoment(entry.startedAt),
      {text: entry.verdict, tone: TONES[entry.verdict]},
      String(entry.generation),
      entry.way,
      String(totalMs(entry)),
      countText(entry.joined.pods.length + entry.joined.more, entry.left.pods.length + entry.left.more),
      countText(entry.difference.added, entry.difference.removed),
      entry.error === null ? whyText(entry) : {text: whyText(entry), tone: 'bad'},
    ]),
    screen,
  );

const podsText = ({pods, more}: HistoryEntry['joined'] | HistoryEntry['left']): string =>
  [
    ...pods.map(pod => `${pod.app} ${pod.ip} ${pod.id}${'why' in pod ? `: ${pod.why}` : ''}`),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('\n') || 'nobody';

/** One pass in full, with its difference. */
export function describePass(entry: HistoryEntry, screen: Screen = NO_SCREEN): string {
  const {difference} = entry;
  const nothing = entry.secretsChanged
    ? 'only what is hidden changed'
    : difference.tooLarge
      ? 'too different to show'
      : 'none';
  return [
    formatPairs(
      [
        ['Pass', `${entry.pass}, ${entry.verdict}`],
        ['Time', formatMoment(entry.startedAt)],
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
      ],
      screen,
    ),
    difference.text === '' ? '' : paintDiff(difference.text, screen.paint),
    difference.tooLarge && difference.text !== '' ? `... cut: haproxy-kontrol diff shows all\n` : '',
  ].join('');
}
