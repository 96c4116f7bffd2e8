import {formatDuration} from '../dashboard/client/format.ts';
import type {LastPass, Status} from '../http/status-types.ts';
import {formatMoment} from './moment.ts';
import {plain} from './plain.ts';
import {fold, formatPairs, NO_SCREEN, type Screen} from './table.ts';

/** Whether a script should be content: it serves, is ready, and nothing is wrong. Notices are fine. */
export const isHealthy = ({ready, problems}: Status): boolean =>
  ready && problems.every(({severity}) => severity !== 'bad');

const phasesText = ({phasesMs}: LastPass): string =>
  Object.entries(phasesMs)
    .map(([phase, ms]) => `${phase} ${Math.round(ms)} ms`)
    .join(', ');

const lastText = (last: LastPass | null): string => {
  if (last === null) return 'none yet';
  const {pass, verdict, startedAt, cause} = last;
  return `#${pass} ${verdict} at ${formatMoment(startedAt)}: ${cause} (${phasesText(last)})`;
};

function membersText({memberCount, hosts}: Status): string {
  const apps = Object.entries(hosts).map(([app, ips]) => `${app} ${ips.length}`);
  return apps.length === 0 ? String(memberCount) : `${memberCount} (${apps.join(', ')})`;
}

function logText({accessLog, logLevel}: Status): string {
  if (accessLog === null) return `level ${logLevel}; access log off`;
  const {port, written, overRate, slowOutput, malformed} = accessLog;
  return `level ${logLevel}; access log on UDP ${port}, ${written} written, ${overRate + slowOutput + malformed} dropped`;
}

function haproxyText({state, version, pid, restarts, silentMs}: Status['proxy']): string {
  const silence = silentMs > 0 ? ', does not answer' : '';
  return `${state} ${version}, pid ${pid ?? '-'}, ${restarts} restarts${silence}`;
}

/** `/status` for a person: the verdict, why anything is wrong, then the facts. */
export function describeStatus(status: Status, screen: Screen = NO_SCREEN): string {
  const {paint, width} = screen;
  const {proxy, reload, store, problems} = status;
  const isBad = problems.some(({severity}) => severity === 'bad');
  const verdict = isBad
    ? paint('bad', 'needs attention')
    : paint('good', status.inSync ? 'serving, in sync' : 'serving');
  const notes = problems.map(({severity, what, why, todo, sinceAt, sinceIs}) => {
    const mark = severity === 'bad' ? paint('bad', '!') : paint('notice', 'i');
    const said = [
      `${what}: ${why}`,
      `${sinceIs === 'began' ? 'since' : 'noticed at'} ${formatMoment(sinceAt)}; to do: ${todo}`,
    ];
    return `${mark} ${said.flatMap(line => fold(plain(line), width - 2)).join('\n  ')}\n`;
  });
  const drains = proxy.draining.map(({generation, sinceMs, connections, endsInMs}) =>
    [
      `${generation} for ${formatDuration(sinceMs)}`,
      ...(connections === null ? [] : [`${connections} connections left`]),
      ...(endsInMs === null ? [] : [`ends in ${formatDuration(endsInMs)} at most`]),
    ].join(', '),
  );
  return [
    `${paint('strong', 'haproxy-kontrol')} ${status.version}: ${verdict}, up ${formatDuration(status.uptimeMs)}\n`,
    ...notes,
    formatPairs(
      [
        ['HAProxy', haproxyText(proxy)],
        ['Generation', `${proxy.generation}${drains.length > 0 ? `; draining ${drains.join('; ')}` : ''}`],
        ['Ready', status.ready ? 'yes' : 'no'],
        ['State', `${status.lifecycle.state} for ${formatDuration(status.lifecycle.sinceMs)}`],
        ['Members', membersText(status)],
        ['Store', `${store.kind}, ${store.healthy ? 'healthy' : 'does not answer'}`],
        ['Reload', `${reload.way}: ${reload.why}`],
        ['Last pass', lastText(reload.last)],
        ...(status.notJudged.length === 0 ? [] : [['Not judged', status.notJudged.join(', ')] as const]),
        ['Log', logText(status)],
      ],
      screen,
    ),
  ].join('');
}
