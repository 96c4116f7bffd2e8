import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {encodeHaproxyMetrics} from '../../src/metrics/haproxy.ts';
import {openHaproxyScrape} from '../../src/metrics/haproxy-scrape.ts';
import {HAPROXY_METRICS} from '../../src/metrics/haproxy-table.ts';
import {openLog} from '../../src/ports/log.ts';
import {parseInfo, parseStat, type Row} from '../../src/proxy/answers.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {startProxy} from '../proxy/real-proxy.ts';
import {missing} from '../support/parts.ts';
import {systemError} from '../support/system-error.ts';
import {waitFor} from '../support/wait.ts';
import {EXPORTER_METRICS} from './haproxy-exporter-names.ts';
import {readSamples, readTypes} from './samples.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/haproxy-1.7.5/${name}`, import.meta.url), 'utf8');
const COUNTS = {scrapes: 1, failures: 0};
const info = parseInfo(fixture('show-info.txt'));
const rowOf = (fields: Record<string, string>): Row => ({pxname: 'b', svname: 's', type: '2', ...fields});

test('exporter table -> exactly the names and types of haproxy_exporter', () => {
  const own = new Map([
    ['haproxy_version_info', 'gauge'],
    ['haproxy_up', 'gauge'],
    ['haproxy_process_idle_time_percent', 'gauge'],
    ['haproxy_exporter_scrapes_total', 'counter'],
    ['haproxy_exporter_csv_parse_failures_total', 'counter'],
  ]);
  for (const {name, type, scopes} of HAPROXY_METRICS) {
    for (const scope of scopes) own.set(`haproxy_${scope}_${name}`, type);
  }
  assert.deepEqual([...own].sort(), [...EXPORTER_METRICS].sort());
});

test('exporter, what 1.7.5 answered -> samples with the labels of haproxy_exporter', () => {
  const text = encodeHaproxyMetrics({info, rows: parseStat(fixture('show-stat.csv'))}, COUNTS);
  const samples = readSamples(text);
  assert.equal(samples.get('haproxy_version_info{release_date="2017/04/03",version="1.7.5"}'), 1);
  assert.equal(samples.get('haproxy_process_idle_time_percent'), 100);
  assert.ok([...samples.keys()].some(name => /^haproxy_server_up\{backend="[^"]+",server="[^"]+"\}$/.test(name)));
  for (const name of readTypes(text).keys()) {
    assert.ok(EXPORTER_METRICS.has(name) || name === 'kontrol_haproxy_rows_omitted', name);
  }
});

const STATUSES: [string, number][] = [
  ['UP', 1],
  ['UP 1/3', 1],
  ['UP (agent)', 1],
  ['no check', 1],
  ['DRAIN', 1],
  ['DRAIN (agent)', 1],
  ['DOWN', 0],
  ['DOWN 1/2', 0],
  ['NOLB', 0],
  ['MAINT', 0],
  ['MAINT (via b/s)', 0],
  ['', Number.NaN],
];

test('exporter, every status a server can have -> up or not', () => {
  for (const [status, up] of STATUSES) {
    const samples = readSamples(encodeHaproxyMetrics({info, rows: [rowOf({status})]}, COUNTS));
    assert.equal(samples.get('haproxy_server_up{backend="b",server="s"}') ?? Number.NaN, up, status);
  }
});

test('exporter, names with quotes and backslashes -> escaped; empty and odd fields -> left out', () => {
  const rows = [rowOf({pxname: 'a"b\\c', stot: '3', bin: '', bout: 'x', check_duration: '1500'})];
  const text = encodeHaproxyMetrics({info, rows}, COUNTS);
  assert.match(text, /haproxy_server_sessions_total\{backend="a\\"b\\\\c",server="s"\} 3/);
  assert.match(text, /haproxy_server_check_duration_seconds\{.*\} 1\.5/);
  assert.doesNotMatch(text, /bytes_(in|out)/);
});

test('exporter, more rows than a scrape should carry -> as many of each kind as docs/metrics.md says, and how many not', () => {
  const rows = ['0', '1', '2'].flatMap(type =>
    Array.from({length: 2500}, (_, index) => rowOf({type, pxname: `p${index}`, stot: '1'})),
  );
  const samples = readSamples(encodeHaproxyMetrics({info, rows}, COUNTS));
  const left = ['frontend', 'backend', 'server'].map(
    kind => [...samples.keys()].filter(name => name.startsWith(`haproxy_${kind}_sessions_total`)).length,
  );
  const document = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const told = /(\d+) frontends, (\d+) backends and\s+([\d,]+)\s+servers/.exec(document)?.slice(1);
  assert.deepEqual(
    left,
    told?.map(number => Number(number.replace(',', ''))),
  );
  assert.equal(samples.get('kontrol_haproxy_rows_omitted'), 2000 + 2000 + 500);
});

test('scrape, nobody answers or nonsense is answered -> haproxy_up 0, counted', async () => {
  const {log} = openLog('error', {write: () => {}});
  const scrape = openHaproxyScrape({
    readInfo: async () => parseInfo('nonsense'),
    readRows: () => Promise.reject(systemError('ENOENT')),
    log,
  });
  await scrape();
  const samples = readSamples(await scrape());
  assert.equal(samples.get('haproxy_up'), 0);
  assert.equal(samples.get('haproxy_exporter_scrapes_total'), 2);
  assert.ok((samples.get('haproxy_exporter_csv_parse_failures_total') ?? 0) >= 1);
});

test('scrape, a bug of ours -> rejected with, so that the log tells of it', async () => {
  const {log} = openLog('error', {write: () => {}});
  const bug = new TypeError('a bug');
  const scrape = openHaproxyScrape({readInfo: async () => new Map(), readRows: () => Promise.reject(bug), log});
  await assert.rejects(scrape(), bug);
});

const CONFIGURATION = `
defaults
    mode http
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend proxy
    bind 127.0.0.1:8080
    rate-limit sessions 100
    compression algo identity
    default_backend web
backend web
    server one 127.0.0.1:8081 check inter 100ms maxconn 10
`;

test('exporter, the HAProxy under test -> every name of haproxy_exporter, one by one', {
  skip: missing('haproxy', 'netns', 'root'),
}, async () => {
  await using proxy = await startProxy(CONFIGURATION);
  const answer = (command: string) => ask(proxy.socket, command, {timeoutMs: 2000});
  const lacking = async () => {
    const [info, rows] = [parseInfo(await answer('show info')), parseStat(await answer('show stat'))];
    const types = readTypes(encodeHaproxyMetrics({info, rows}, COUNTS));
    return [...EXPORTER_METRICS].filter(([name, type]) => types.get(name) !== type).map(([name]) => name);
  };
  // A check that has not run yet has no duration.
  await waitFor(async () => !(await lacking()).includes('haproxy_server_check_duration_seconds'), 'a health check');
  assert.deepEqual(await lacking(), []);
});
