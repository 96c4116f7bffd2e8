import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createMetrics, type MetricSources} from '../../src/metrics/metrics.ts';
import {readSamples} from './samples.ts';

const sources = (changes: Partial<MetricSources> = {}): MetricSources => ({
  version: '1.0.0',
  zerorpcConnections: () => 5,
  hosts: () => new Map([['web', ['10.2.0.17', '10.2.0.18']]]),
  memberCount: () => 3,
  proxy: () => ({
    state: 'RUNNING',
    pid: 17,
    generation: 3,
    restarts: 2,
    silentMs: 0,
    isHung: false,
    isDeaf: false,
    hangs: 0,
    draining: [{pid: 12, generation: 2, sinceMs: 1}],
  }),
  isInSync: () => true,
  isReady: () => false,
  isStoreHealthy: () => true,
  gateShutMs: () => 1500,
  guard: {held: 4, holds: 1},
  quarantine: {members: ['one'], count: 3},
  rollback: {current: {}},
  deviations: () => 2,
  accessLog: () => ({written: 7, overRate: 1, slowOutput: 2, malformed: 3}),
  ...changes,
});

test('metrics, a daemon in its third generation -> every gauge says so', async () => {
  const samples = readSamples((await createMetrics(sources()).read()).text);
  const expected = {
    'kontrol_build_info{version="1.0.0"}': 1,
    'kontrol_members{app="web"}': 2,
    kontrol_known_members: 3,
    kontrol_zerorpc_connections: 5,
    kontrol_generation: 3,
    kontrol_draining_generations: 1,
    kontrol_in_sync: 1,
    kontrol_ready: 0,
    kontrol_store_healthy: 1,
    kontrol_proxy_restarts_total: 2,
    kontrol_proxy_hangs_total: 0,
    kontrol_gate_shut_seconds_total: 1.5,
    kontrol_guard_held_members: 4,
    kontrol_guard_holds_total: 1,
    kontrol_drift_servers: 2,
    kontrol_quarantined_members: 1,
    kontrol_quarantines_total: 3,
    kontrol_template_held: 1,
    'kontrol_access_log_lines_total{result="written"}': 7,
    'kontrol_access_log_lines_total{result="slow_output"}': 2,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(samples.get(name), value, name);
});

test('metrics, no log lines are taken in -> none of them counted', async () => {
  const samples = readSamples((await createMetrics(sources({accessLog: () => undefined})).read()).text);
  for (const result of ['written', 'over_rate', 'slow_output', 'malformed']) {
    assert.equal(samples.get(`kontrol_access_log_lines_total{result="${result}"}`), 0, result);
  }
});

test('metrics, read twice -> counters that follow a source do not add up', async () => {
  const metrics = createMetrics(sources());
  await metrics.read();
  assert.equal(readSamples((await metrics.read()).text).get('kontrol_proxy_restarts_total'), 2);
});

test('metrics, pings and passes -> counted by result and verdict, phases in seconds', async () => {
  const metrics = createMetrics(sources());
  metrics.countPing('joined', 'http');
  metrics.countPing('refreshed', 'http');
  metrics.countPing('refreshed', 'http');
  metrics.countPing('refreshed', 'zerorpc');
  metrics.countPass({
    pass: 1,
    generation: 1,
    way: 'start',
    why: '',
    cause: 'start',
    startedAt: 1_500_000_000_000,
    phasesMs: {render: 2, validate: 20, apply: 300},
    verdict: 'ok',
    error: null,
  });
  const samples = readSamples((await metrics.read()).text);
  assert.equal(samples.get('kontrol_pings_total{protocol="http",result="joined"}'), 1);
  assert.equal(samples.get('kontrol_pings_total{protocol="http",result="refreshed"}'), 2);
  assert.equal(samples.get('kontrol_pings_total{protocol="zerorpc",result="refreshed"}'), 1);
  assert.equal(samples.get('kontrol_passes_total{verdict="ok"}'), 1);
  assert.equal(samples.get('kontrol_last_pass_timestamp_seconds{verdict="ok"}'), 1_500_000_000);
  const bounds = [...samples.keys()].flatMap(
    name => /^kontrol_pass_phase_seconds_bucket\{le="(.*)",phase="render"/.exec(name)?.[1] ?? [],
  );
  assert.deepEqual(bounds, '0.001 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 +Inf'.split(' '));
  assert.equal(samples.get('kontrol_pass_phase_seconds_sum{phase="apply"}'), 0.3);
  assert.equal(samples.get('kontrol_pass_phase_seconds_bucket{le="0.025",phase="validate"}'), 1);
});

test('metrics, more apps than labels allowed -> the rest shares one', async () => {
  const hosts = new Map(Array.from({length: 260}, (_, index) => [`app-${index}`, ['10.0.0.1']]));
  const samples = readSamples((await createMetrics(sources({hosts: () => hosts})).read()).text);
  const apps = [...samples.keys()].filter(name => name.startsWith('kontrol_members{'));
  assert.equal(apps.length, 201);
  assert.equal(samples.get('kontrol_members{app="other"}'), 60);
});

test('metrics, the event loop and the process -> there under their usual names', async () => {
  const {text} = await createMetrics(sources()).read();
  assert.match(text, /^nodejs_eventloop_lag_seconds /m);
  assert.match(text, /^process_resident_memory_bytes /m);
});
