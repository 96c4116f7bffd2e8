import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {parse} from 'yaml';
import {encodeHaproxyMetrics} from '../../src/metrics/haproxy.ts';
import {HAPROXY_METRICS} from '../../src/metrics/haproxy-table.ts';
import {createKubernetesMetrics} from '../../src/metrics/kubernetes-metrics.ts';
import {createMetrics} from '../../src/metrics/metrics.ts';
import {encodeProblems} from '../../src/metrics/problem-metrics.ts';
import {missing, promtoolBinary} from '../support/parts.ts';
import {EXPORTER_METRICS} from './haproxy-exporter-names.ts';
import {readSamples, readTypes} from './samples.ts';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const read = (file: string): string => readFileSync(pathOf(file), 'utf8');

const ROW = /^\| `(\w+)` +\| (\w+) +\| ([^|]*?) *\| ([^|]+) \|$/gm;

/** What a scrape says, but for HAProxy's own figures. */
async function scrapeDaemon(): Promise<string> {
  const metrics = createMetrics({
    version: '1.0.0',
    hosts: () => new Map([['web', ['10.0.0.1']]]),
    zerorpcConnections: () => 0,
    memberCount: () => 1,
    proxy: () => ({
      state: 'RUNNING',
      pid: 1,
      generation: 1,
      restarts: 0,
      silentMs: 0,
      isHung: false,
      isDeaf: false,
      hangs: 0,
      draining: [],
    }),
    isInSync: () => true,
    isReady: () => true,
    isStoreHealthy: () => true,
    gateShutMs: () => 0,
    guard: {held: 0, holds: 0},
    quarantine: {members: [], count: 0},
    rollback: {current: undefined},
    deviations: () => 0,
    accessLog: () => undefined,
  });
  const kubernetes = createKubernetesMetrics(() => ({
    pod: {
      namespace: 'x',
      id: 'x',
      ip: null,
      eip: null,
      nodeName: null,
      image: null,
      sources: {},
      watch: null,
      node: null,
    },
    certificates: [{name: 'web', expiresAt: 1, fingerprint: null, names: null, problem: null}],
    mounted: null,
    services: {hosts: {}, watch: {what: 'x', state: 'watching', synced: true, failures: 0, reason: null}},
    verify: {source: false, token: false, pods: null},
  }));
  metrics.countPing('joined', 'http');
  const problems = encodeProblems([{kind: 'store', subject: null, severity: 'bad', sinceAt: 1}]);
  return (await metrics.read()).text + (await kubernetes.read()) + problems;
}

const exportedTypes = async (): Promise<Map<string, string>> =>
  new Map([...readTypes(await scrapeDaemon()), ...EXPORTER_METRICS, ['kontrol_haproxy_rows_omitted', 'gauge']]);

/** What a scrape says of a frontend, a backend and a server of which HAProxy tells all that there is to tell. */
function scrapeHaproxy(): string {
  const info = new Map([['Idle_pct', '100']]);
  const fields = Object.fromEntries(HAPROXY_METRICS.map(({field}) => [field, '1']));
  const rows = ['0', '1', '2'].map(type => ({pxname: 'p', svname: 's', ...fields, type}));
  return encodeHaproxyMetrics({info, rows}, {scrapes: 1, failures: 0});
}

/** Names that a PromQL expression asks for; a histogram is asked for by its series. */
const namesIn = (expression: string): string[] =>
  (expression.match(/\b(?:kontrol|haproxy|nodejs|process)_\w+/g) ?? []).map(name =>
    name.replace(/(?<=_seconds)_(?:bucket|sum|count)$/, ''),
  );

describe('metrics, as documented', () => {
  test('the tables -> every metric there is, with its type, and no other', async () => {
    const documented = [...read('docs/metrics.md').matchAll(ROW)].map(([, name = '', type = '']) => [name, type]);
    assert.deepEqual(documented.sort(), [...(await exportedTypes())].sort());
  });

  test('the tables -> meanings and labels are those of a scrape', async () => {
    const text = (await scrapeDaemon()) + scrapeHaproxy();
    const meanings = new Map(
      [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', help = '']) => [name, help]),
    );
    const labels = new Map(
      [...readSamples(text).keys()].map(sample => [
        sample.replace(/\{.*/, '').replace(/(?<=_seconds)_(?:bucket|sum|count)$/, ''),
        [...sample.matchAll(/(?<=[{,])(\w+)="/g)].flatMap(([, label = '']) => (label === 'le' ? [] : [label])).sort(),
      ]),
    );
    const rows = [...read('docs/metrics.md').matchAll(ROW)];
    for (const [, name = '', , list = '', meaning = ''] of rows) {
      assert.equal(meanings.get(name), meaning, name);
      const told = labels.get(name);
      if (told !== undefined) assert.deepEqual([...list.matchAll(/`(\w+)`/g)].map(([, one]) => one).sort(), told, name);
    }
    assert.ok(rows.filter(([, name = '']) => labels.has(name)).length > 90);
  });

  test('the tables -> the labels of HAProxy metrics', () => {
    const labels = new Map(
      [...read('docs/metrics.md').matchAll(ROW)].map(([, name = '', , list = '']) => [name, list]),
    );
    for (const {name, scopes, code} of HAPROXY_METRICS) {
      for (const scope of scopes) {
        const expected = [...(scope === 'server' ? ['backend', 'server'] : [scope]), ...(code ? ['code'] : [])];
        assert.equal(labels.get(`haproxy_${scope}_${name}`), expected.map(label => `\`${label}\``).join(', '));
      }
    }
  });

  test('the Grafana dashboard -> valid, and asks only for metrics that exist', async () => {
    const dashboard = JSON.parse(read('docker/grafana/haproxy-kontrol.json'));
    const panels: {id: number; title: string; targets?: {expr: string}[]}[] = dashboard.panels;
    const types = await exportedTypes();
    const expressions = panels.flatMap(({targets = []}) => targets.map(({expr}) => expr));
    assert.ok(expressions.length > 10);
    for (const name of expressions.flatMap(namesIn)) assert.ok(types.has(name), name);
    assert.equal(new Set(panels.map(({id}) => id)).size, panels.length);
  });

  test('the alert rules -> ask only for metrics that exist, each says what to do', async () => {
    const {groups} = parse(read('docker/prometheus/alerts.yml'));
    const types = await exportedTypes();
    const rules: {alert: string; expr: string; annotations: {summary: string; description: string}}[] = groups.flatMap(
      (group: {rules: object[]}) => group.rules,
    );
    assert.ok(rules.length >= 8);
    for (const {alert, expr, annotations} of rules) {
      assert.ok(annotations.summary && annotations.description, alert);
      for (const name of namesIn(expr)) assert.ok(types.has(name), `${alert}: ${name}`);
    }
  });

  test('each alert -> has a paragraph of what to do, and a test that it fires', () => {
    const rules: {alert: string}[] = parse(read('docker/prometheus/alerts.yml')).groups.flatMap(
      (group: {rules: object[]}) => group.rules,
    );
    const names = rules.map(({alert}) => alert).sort();
    const headings = [...read('docs/alerts.md').matchAll(/^### (\w+)\n\n\w/gm)].map(([, name = '']) => name);
    assert.deepEqual(headings.sort(), names);
    const tried = new Set(read('test/metrics/alerts.promtool.yml').match(/(?<=alertname=")\w+/g));
    assert.deepEqual([...tried].sort(), names);
  });

  for (const [alert, told, ...asked] of [
    ['KontrolPassesFail', 'More than three passes failed within 15 minutes', '[15m]) > 3'],
    ['KontrolRollbackHeld', 'has held for a day', '24h'],
    ['KontrolProblem', 'has been bad for five minutes', '5m'],
    ['HaproxyErrors', 'have not been served for five minutes', '5m'],
    ['KontrolProxyRestarts', 'died more than once within ten minutes', '[10m]) > 1'],
    ['KontrolMembersVanish', 'More than half of the pods of ten minutes ago', '< 0.5 *', 'offset 10m'],
    ['KontrolCertificateExpires', 'expires within a week', '< 7 * 86400'],
  ] as const) {
    test(`what docs/alerts.md says of ${alert} -> what the rule asks for`, () => {
      const groups: {rules: {alert: string; expr: string; for?: string}[]}[] = parse(
        read('docker/prometheus/alerts.yml'),
      ).groups;
      const rule = groups.flatMap(({rules}) => rules).find(one => one.alert === alert);
      const [, paragraph = ''] = read('docs/alerts.md').split(`### ${alert}\n`);
      assert.ok((paragraph.split('\n#')[0] ?? '').replaceAll(/\s+/g, ' ').includes(told));
      for (const part of asked) assert.ok(rule?.expr.includes(part) || rule?.for === part, part);
    });
  }

  test('gauges -> none is named like a counter', async () => {
    const gauges = [...(await exportedTypes())].filter(([name, type]) => type === 'gauge' && name.endsWith('_total'));
    assert.deepEqual(gauges, []);
  });

  test('the alert rules -> promtool accepts them, and they fire on what they are for', {
    skip: missing('promtool'),
  }, () => {
    const run = (...args: string[]) => execFileSync(promtoolBinary, args, {encoding: 'utf8'});
    assert.match(run('check', 'rules', pathOf('docker/prometheus/alerts.yml')), /SUCCESS/);
    const rules = fileURLToPath(new URL('alerts.promtool.yml', import.meta.url));
    assert.match(run('test', 'rules', rules), /SUCCESS/);
  });
});
