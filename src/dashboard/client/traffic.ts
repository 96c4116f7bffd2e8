import type {ProxyTraffic, Traffic, TrafficLook, TrafficSample} from '../../http/page-types.ts';
import {type Chart, createChart} from './charts.ts';
import {byId, el, reconcile, setText} from './dom.ts';
import {formatBytes, formatRate} from './format.ts';

const MAX_SAMPLES = 450;
const HEADS = [
  'Name',
  'Kind',
  'Status',
  'Servers',
  'Sessions',
  'Queue',
  'Requests/s',
  'In/s',
  'Out/s',
  '4xx/s',
  '5xx/s',
  'Failed/s',
];

let samples: readonly TrafficSample[] = [];
let charts: readonly Chart[] = [];

const isTroubled = ({kind, servers, status}: ProxyTraffic): boolean =>
  kind === 'backend' && servers === 0 && status !== 'UP';

function showProxies(proxies: readonly ProxyTraffic[]): void {
  byId('proxies-none').hidden = proxies.length > 0;
  reconcile(
    byId('proxies'),
    proxies.map(proxy => [`${proxy.kind} ${proxy.name}`, proxy] as const),
    () => el('tr', {}, el('th', {scope: 'row'}), ...HEADS.slice(1).map(() => el('td'))),
    (row, proxy) => {
      row.dataset.tone = isTroubled(proxy) ? 'bad' : 'plain';
      const texts = [
        proxy.name,
        proxy.kind,
        proxy.status,
        proxy.kind === 'backend' ? String(proxy.servers) : '',
        String(proxy.sessions),
        proxy.kind === 'backend' ? String(proxy.queue) : '',
        formatRate(proxy.requestsPerSecond),
        formatBytes(proxy.bytesInPerSecond),
        formatBytes(proxy.bytesOutPerSecond),
        formatRate(proxy.clientErrorsPerSecond),
        formatRate(proxy.serverErrorsPerSecond),
        formatRate(proxy.failuresPerSecond),
      ];
      for (const [index, text] of texts.entries()) setText(row.children[index] as Element, text);
    },
  );
}

function draw(): void {
  const last = samples.at(-1);
  for (const chart of charts) chart.draw(samples);
  if (last === undefined) return;
  setText(
    byId('traffic-now'),
    `${formatRate(last.requestsPerSecond)} requests/s, ${formatRate(last.serverErrorsPerSecond)} server errors/s, ${last.sessions} sessions`,
  );
}

/** The head of the proxies' table, and the charts. */
export function startTraffic(): void {
  byId('proxies-head').append(...HEADS.map(head => el('th', {scope: 'col'}, head)));
  charts = [
    createChart(
      byId('chart-requests'),
      [{label: 'requests/s', color: '--curve-1', read: sample => sample.requestsPerSecond}],
      formatRate,
    ),
    createChart(
      byId('chart-errors'),
      [
        {label: '4xx/s', color: '--curve-2', dash: [6, 3], read: sample => sample.clientErrorsPerSecond},
        {label: '5xx/s', color: '--curve-3', read: sample => sample.serverErrorsPerSecond},
        {label: 'failed/s', color: '--curve-4', dash: [2, 3], read: sample => sample.failuresPerSecond},
      ],
      formatRate,
    ),
    createChart(
      byId('chart-bytes'),
      [
        {label: 'in/s', color: '--curve-2', dash: [6, 3], read: sample => sample.bytesInPerSecond},
        {label: 'out/s', color: '--curve-1', read: sample => sample.bytesOutPerSecond},
      ],
      formatBytes,
      1024,
    ),
  ];
  draw();
}

/** Takes the curve as the server has it. */
export function showTraffic(traffic: Traffic): void {
  samples = traffic.samples;
  showProxies(traffic.proxies);
  draw();
}

/** Adds a sample that was just taken. */
export function addSample({sample, proxies}: TrafficLook): void {
  samples = [...samples, sample].slice(-MAX_SAMPLES);
  showProxies(proxies);
  draw();
}
