import {formatBytes, formatRate} from '../dashboard/client/format.ts';
import type {ProxyTraffic} from '../proxy/traffic.ts';
import type {Traffic} from '../proxy/traffic-sampler.ts';
import {formatTable, type Screen} from './table.ts';

const byLoad = (a: ProxyTraffic, b: ProxyTraffic): number =>
  b.requestsPerSecond - a.requestsPerSecond || (a.name < b.name ? -1 : 1);

/** `/traffic` as it is now, the busiest first; backends, or frontends too. */
export function describeTraffic({proxies, samples}: Traffic, all: boolean, screen?: Screen): string {
  const shown = proxies.filter(({kind}) => all || kind === 'backend').sort(byLoad);
  const last = samples.at(-1);
  const head =
    last === undefined
      ? 'HAProxy has not been asked twice yet: rates follow in a moment\n'
      : `${formatRate(last.requestsPerSecond)} requests/s, ${formatBytes(last.bytesInPerSecond)}/s in, ${formatBytes(last.bytesOutPerSecond)}/s out, ${formatRate(last.serverErrorsPerSecond)} errors/s, ${last.sessions} sessions\n`;
  return `${head}${formatTable(
    [
      'NAME',
      {name: 'KIND', spare: 7},
      'STATUS',
      {name: 'SERVERS', spare: 1},
      {name: 'SESSIONS', spare: 2},
      {name: 'QUEUE', spare: 3},
      'REQ/S',
      {name: 'IN/S', spare: 6},
      {name: 'OUT/S', spare: 5},
      {name: '4XX/S', spare: 4},
      '5XX/S',
      {name: 'FAILED/S', spare: 3},
    ],
    shown.map(proxy => [
      proxy.name,
      proxy.kind,
      proxy.status === 'DOWN' ? {text: proxy.status, tone: 'bad'} : proxy.status,
      proxy.kind === 'backend' ? String(proxy.servers) : '',
      String(proxy.sessions),
      proxy.kind === 'backend' ? String(proxy.queue) : '',
      formatRate(proxy.requestsPerSecond),
      formatBytes(proxy.bytesInPerSecond),
      formatBytes(proxy.bytesOutPerSecond),
      formatRate(proxy.clientErrorsPerSecond),
      formatRate(proxy.serverErrorsPerSecond),
      formatRate(proxy.failuresPerSecond),
    ]),
    screen,
  )}`;
}
