import type {Pass, ProxyTraffic, Traffic, TrafficLook, TrafficSample} from '../../http/page-types.ts';
import {type Chart, createChart, type Mark} from './charts.ts';
import {byId, el, reconcile, setText} from './dom.ts';
import {formatBytes, formatDuration, formatPercent, formatRate} from './format.ts';
import {describeLoad, errorShare} from './model.ts';

const MAX_SAMPLES = 450;

/** More backends than a person chooses from. */
const MAX_FOLLOWED = 100;

/** What one looks for first stands first: a phone has to be swiped for the rest. */
const HEADS = [
  'Name',
  'Status',
  'Requests/s',
  '5xx',
  'Servers',
  'Response',
  'Sessions',
  'Queue',
  'Failed/s',
  '4xx/s',
  'In/s',
  'Out/s',
  'Kind',
];

let samples: readonly TrafficSample[] = [];
/** Of each backend, since the page was opened: the server keeps the sums only. */
const ofBackend = new Map<string, TrafficSample[]>();
let marks: readonly Mark[] = [];
let charts: readonly Chart[] = [];

const chosen = (): string => byId<HTMLSelectElement>('traffic-of').value;

const toneOf = ({status}: ProxyTraffic): string => (status === 'DOWN' ? 'bad' : 'plain');

function showProxies(proxies: readonly ProxyTraffic[]): void {
  byId('proxies-none').hidden = proxies.length > 0;
  reconcile(
    byId('proxies'),
    proxies.map(proxy => [`${proxy.kind} ${proxy.name}`, proxy] as const),
    () => el('tr', {}, el('th', {scope: 'row'}), ...HEADS.slice(1).map(() => el('td'))),
    (row, proxy) => {
      row.dataset.tone = toneOf(proxy);
      const isBackend = proxy.kind === 'backend';
      const isEmpty = isBackend && proxy.servers === 0 && proxy.status === 'UP';
      const share = errorShare(proxy);
      const texts = [
        proxy.name,
        isEmpty ? 'no server' : proxy.status,
        formatRate(proxy.requestsPerSecond),
        share === null ? '-' : formatPercent(share),
        isBackend ? String(proxy.servers) : '',
        isBackend ? (proxy.responseTimeMs === null || share === null ? '-' : formatDuration(proxy.responseTimeMs)) : '',
        String(proxy.sessions),
        isBackend ? String(proxy.queue) : '',
        formatRate(proxy.failuresPerSecond),
        formatRate(proxy.clientErrorsPerSecond),
        formatBytes(proxy.bytesInPerSecond),
        formatBytes(proxy.bytesOutPerSecond),
        proxy.kind,
      ];
      for (const [index, text] of texts.entries()) setText(row.children[index] as Element, text);
      (row.children[1] as HTMLElement).dataset.tone = isEmpty ? 'notice' : 'plain';
      (row.children[3] as HTMLElement).dataset.tone = (share ?? 0) > 0 ? 'bad' : 'plain';
    },
  );
}

function showChoices(proxies: readonly ProxyTraffic[]): void {
  const names = proxies.filter(({kind}) => kind === 'backend').map(({name}) => name);
  reconcile(
    byId('traffic-of'),
    [['', 'all frontends'] as const, ...names.slice(0, MAX_FOLLOWED).map(name => [name, `backend ${name}`] as const)],
    label => el('option', {}, label),
    (option, label) => {
      setText(option, label);
      (option as HTMLOptionElement).value = option.dataset.key ?? '';
    },
  );
}

function draw(): void {
  const name = chosen();
  const shown = name === '' ? samples : (ofBackend.get(name) ?? []);
  for (const chart of charts) chart.draw(shown, marks);
  const last = shown.at(-1);
  if (last === undefined) return;
  setText(byId('traffic-now'), describeLoad(last));
}

const placeOf = (name: string) => ({target: byId(`chart-${name}`), legend: byId(`legend-${name}`)});

/** The head of the proxies' table, and the charts. */
export function startTraffic(): void {
  byId('proxies-head').append(...HEADS.map(head => el('th', {scope: 'col'}, head)));
  charts = [
    createChart(
      placeOf('requests'),
      [
        {label: 'requests/s', color: 1, read: sample => sample.requestsPerSecond},
        {label: '4xx/s', color: 2, dash: [6, 3], read: sample => sample.clientErrorsPerSecond},
        {label: '5xx/s', color: 3, read: sample => sample.serverErrorsPerSecond},
      ],
      formatRate,
    ),
    createChart(
      placeOf('share'),
      [{label: 'share of 5xx', color: 3, read: sample => errorShare(sample)}],
      formatPercent,
      0.05,
    ),
    createChart(
      placeOf('response'),
      [{label: 'response time', color: 4, read: sample => sample.responseTimeMs}],
      formatDuration,
      10,
    ),
    createChart(
      placeOf('bytes'),
      [
        {label: 'in/s', color: 2, dash: [6, 3], read: sample => sample.bytesInPerSecond},
        {label: 'out/s', color: 1, read: sample => sample.bytesOutPerSecond},
      ],
      formatBytes,
      1024,
    ),
  ];
  byId('traffic-of').addEventListener('change', draw);
  draw();
}

/** Takes the curve as the server has it. */
export function showTraffic(traffic: Traffic): void {
  samples = traffic.samples;
  showProxies(traffic.proxies);
  showChoices(traffic.proxies);
  draw();
}

/** Adds a sample that was just taken. */
export function addSample({sample, proxies}: TrafficLook): void {
  samples = [...samples, sample].slice(-MAX_SAMPLES);
  const backends = proxies.filter(({kind}) => kind === 'backend').slice(0, MAX_FOLLOWED);
  for (const name of ofBackend.keys()) if (backends.every(one => one.name !== name)) ofBackend.delete(name);
  for (const backend of backends) {
    const known = ofBackend.get(backend.name) ?? [];
    ofBackend.set(backend.name, [...known, {...backend, at: sample.at}].slice(-MAX_SAMPLES));
  }
  showProxies(proxies);
  showChoices(proxies);
  draw();
}

/** The passes are lines across the charts. */
export function markPasses(passes: readonly Pass[]): void {
  marks = passes
    .filter(({verdict}) => verdict !== 'unchanged')
    .map(({startedAt, verdict}) => ({at: startedAt, isFailed: verdict === 'failed'}));
  draw();
}
