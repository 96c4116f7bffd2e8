import {Counter, collectDefaultMetrics, Gauge, Histogram, Registry} from 'prom-client';
import type {PassRecord} from '../lifecycle/passes.ts';
import type {Hosts} from '../members/member.ts';
import type {ProxyStatus} from '../reload/generations.ts';

/** What the gauges are read from, at each scrape. */
export interface MetricSources {
  readonly version: string;
  hosts(): Hosts;
  /** Slaves of kontrol's last release that are connected. */
  zerorpcConnections(): number;
  memberCount(): number;
  proxy(): ProxyStatus;
  isInSync(): boolean;
  isReady(): boolean;
  isStoreHealthy(): boolean;
  readonly guard: {readonly held: number; readonly holds: number};
  gateShutMs(): number;
  readonly rollback: {readonly current: object | undefined};
  /** Servers that HAProxy was last seen to run otherwise than its text says. */
  deviations(): number;
  /** Members that no configuration can be made with, now, and how often one was found. */
  readonly quarantine: {readonly members: readonly unknown[]; readonly count: number};
  /** HAProxy's log lines by what became of them; undefined where they are not taken in. */
  accessLog():
    | {readonly written: number; readonly overRate: number; readonly slowOutput: number; readonly malformed: number}
    | undefined;
}

export interface Metrics {
  countPing(result: string, protocol: 'http' | 'zerorpc'): void;
  countPass(record: PassRecord): void;
  /** Prometheus' text exposition. */
  read(): Promise<{readonly type: string; readonly text: string}>;
}

/** More apps than this share the label `other`: a hostile slave may not grow the metrics without end. */
const MAX_APPS = 200;

/** The event loop's lag is sampled this often: prom-client's own 10 ms costs 0.5 % of a core when idle. */
const LAG_PRECISION_MS = 100;

/** Gauges that are named like counters: who takes their rate gets nonsense. Their labelled namesakes say the same. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** The daemon's metrics, prefix `kontrol_`; pings cost one counter step, all else is read when scraped. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({register: registry, eventLoopMonitoringPrecision: LAG_PRECISION_MS});
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const countPing = addPings(registry);
  const countPass = addPasses(registry);
  addGauge(registry, 'kontrol_zerorpc_connections', "Slaves of kontrol's last release that are connected.", () =>
    sources.zerorpcConnections(),
  );
  addDaemon(registry, sources);
  addMembers(registry, sources);
  addProxy(registry, sources);
  addAccessLog(registry, sources);
  return {
    countPing,
    countPass,
    async read() {
      return {type: registry.contentType, text: await registry.metrics()};
    },
  };
}

/** Counted here and told when scraped: to find a counter by its labels costs more than the rest of a ping's way. */
function addPings(registry: Registry): Metrics['countPing'] {
  const counts = new Map<string, Map<string, number>>();
  new Counter({
    name: 'kontrol_pings_total',
    help: 'Pings by what became of them, and by what the slave speaks.',
    labelNames: ['result', 'protocol'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [protocol, results] of counts) {
        for (const [result, count] of results) this.inc({result, protocol}, count);
      }
    },
  });
  return (result, protocol) => {
    const results = counts.get(protocol) ?? new Map<string, number>();
    if (results.size === 0) counts.set(protocol, results);
    results.set(result, (results.get(result) ?? 0) + 1);
  };
}

/** A gauge that is read when scraped. */
const addGauge = (registry: Registry, name: string, help: string, read: () => number): Gauge =>
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });

/** A counter that somebody else counts, read when scraped. */
const addCounter = (registry: Registry, name: string, help: string, read: () => number): Counter =>
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });

function addPasses(registry: Registry): Metrics['countPass'] {
  const registers = [registry];
  const passes = new Counter({
    name: 'kontrol_passes_total',
    help: 'Passes by verdict.',
    labelNames: ['verdict'],
    registers,
  });
  const phases = new Histogram({
    name: 'kontrol_pass_phase_seconds',
    help: 'Time a pass spent in each phase.',
    labelNames: ['phase'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const lastPass = new Gauge({
    name: 'kontrol_last_pass_timestamp_seconds',
    help: 'When the last pass of each verdict began.',
    labelNames: ['verdict'],
    registers,
  });
  return ({verdict, phasesMs, startedAt}) => {
    passes.inc({verdict});
    lastPass.set({verdict}, startedAt / 1000);
    for (const [phase, durationMs] of Object.entries(phasesMs)) phases.observe({phase}, durationMs / 1000);
  };
}

function addDaemon(registry: Registry, sources: MetricSources): void {
  new Gauge({
    name: 'kontrol_build_info',
    help: 'Always 1; the label says which version runs.',
    labelNames: ['version'],
    registers: [registry],
  }).set({version: sources.version}, 1);
  addGauge(registry, 'kontrol_in_sync', '1 when the proxy serves what the inputs say.', () =>
    Number(sources.isInSync()),
  );
  addGauge(registry, 'kontrol_ready', '1 when the readiness endpoint says so.', () => Number(sources.isReady()));
  addGauge(
    registry,
    'kontrol_drift_servers',
    'Servers, frontends, limits, ACLs and maps that HAProxy runs otherwise than its configuration says.',
    () => sources.deviations(),
  );
  addGauge(registry, 'kontrol_template_held', '1 while a rollback is held.', () =>
    Number(sources.rollback.current !== undefined),
  );
}

function addMembers(registry: Registry, sources: MetricSources): void {
  new Gauge({
    name: 'kontrol_members',
    help: 'Members in the hosts map by app.',
    labelNames: ['app'],
    registers: [registry],
    collect() {
      this.reset();
      let index = 0;
      for (const [app, addresses] of sources.hosts())
        this.inc({app: index++ < MAX_APPS ? app : 'other'}, addresses.length);
    },
  });
  addGauge(registry, 'kontrol_known_members', 'Members of all apps, our own included.', () => sources.memberCount());
  addGauge(registry, 'kontrol_store_healthy', '1 when the membership store answers.', () =>
    Number(sources.isStoreHealthy()),
  );
  addGauge(
    registry,
    'kontrol_guard_held_members',
    'Silent members that the blast-radius guard keeps.',
    () => sources.guard.held,
  );
  addGauge(
    registry,
    'kontrol_quarantined_members',
    'Members that are not served as they are, since no configuration can be made with them.',
    () => sources.quarantine.members.length,
  );
  addCounter(
    registry,
    'kontrol_quarantines_total',
    'Times that a member was put into quarantine.',
    () => sources.quarantine.count,
  );
  addCounter(
    registry,
    'kontrol_guard_holds_total',
    'Times that too much of an app fell silent at once.',
    () => sources.guard.holds,
  );
}

function addProxy(registry: Registry, sources: MetricSources): void {
  addGauge(registry, 'kontrol_generation', 'The HAProxy generation that serves.', () => sources.proxy().generation);
  addGauge(
    registry,
    'kontrol_draining_generations',
    'Generations that finish their connections.',
    () => sources.proxy().draining.length,
  );
  addCounter(
    registry,
    'kontrol_proxy_restarts_total',
    'HAProxy deaths that were answered with a restart.',
    () => sources.proxy().restarts,
  );
  addCounter(
    registry,
    'kontrol_proxy_hangs_total',
    'HAProxys that answered nothing for KONTROL_HANG, and were ended; started anew unless they were old ones.',
    () => sources.proxy().hangs,
  );
  addCounter(
    registry,
    'kontrol_gate_shut_seconds_total',
    'Time the SYN gate was shut.',
    () => sources.gateShutMs() / 1000,
  );
}

function addAccessLog(registry: Registry, sources: MetricSources): void {
  new Counter({
    name: 'kontrol_access_log_lines_total',
    help: "HAProxy's log lines by what became of them: written, or dropped and why.",
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.reset();
      const {written, overRate, slowOutput, malformed} = sources.accessLog() ?? {};
      this.inc({result: 'written'}, written ?? 0);
      this.inc({result: 'over_rate'}, overRate ?? 0);
      this.inc({result: 'slow_output'}, slowOutput ?? 0);
      this.inc({result: 'malformed'}, malformed ?? 0);
    },
  });
}
