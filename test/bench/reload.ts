import {execFileSync} from 'node:child_process';
import {setTimeout as sleep} from 'node:timers/promises';
import {parseArgs} from 'node:util';
import {parseVersion} from '../../src/proxy/version.ts';
import {isAtLeast} from '../../src/reload/capabilities.ts';
import {startReloading} from '../reload/reloading.ts';
import {startBackends} from '../support/backend.ts';
import {type LoadReport, startLoad} from '../support/load.ts';
import {allowMigration, openNamespaces, podIps, type TwoNamespaces} from '../support/namespaces.ts';
import {openDelayLink} from './delay-link.ts';
import {startWrapper} from './wrapper-2017.ts';

/*
 * What a reload costs clients: new connections at a steady rate over a link with a round-trip time, slow downloads and
 * keep-alive clients beside, while the configuration changes again and again; one row for each HAProxy and way.
 *   node test/bench/reload.ts [--haproxy PATH,PATH] [--ways a,b] [--rtt 10,100] [--seconds 30] [--reloads 10] [--rate 800]
 * Needs root, gcc, HAProxy, iptables and a build. It touches namespaces of its own only.
 */

const {values: asked} = parseArgs({
  options: {
    haproxy: {type: 'string', default: process.env.KONTROL_HAPROXY ?? 'haproxy'},
    ways: {type: 'string', default: 'transfer,migrate,inherit,runtime,syn-drop,classic,plain,2017'},
    rtt: {type: 'string', default: '10,100'},
    seconds: {type: 'string', default: '30'},
    reloads: {type: 'string', default: '10'},
    rate: {type: 'string', default: '800'},
  },
});
const seconds = Number(asked.seconds);
const reloads = Number(asked.reloads);
const perSecond = Number(asked.rate);

const SLOW_CLIENTS = 20;
const KEEPALIVE_CLIENTS = 20;
const KEEPALIVE_GAP_MS = 100;

const [A, B] = podIps;

/** Another `maxconn` is a reload; another address alone is not where connections to servers are closed. */
const template = (maxconn: number, ip: string) => `
global
  maxconn ${maxconn}
defaults
  mode http
  option http-server-close
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend proxy
  bind *:80
  default_backend web
backend web
  server web-1 ${ip}:80
`;

interface Changer {
  change(round: number): Promise<void>;
  /** How long the gate was shut in all, ms; undefined where it is not told. */
  shutMs(): Promise<number | undefined>;
}

async function openDaemon(
  way: string,
  haproxy: string,
  net: TwoNamespaces,
  undo: AsyncDisposableStack,
): Promise<Changer> {
  const env = {KONTROL_HAPROXY: haproxy, KONTROL_RELOAD: way === 'runtime' ? 'auto' : way, KONTROL_GRACE: '1'};
  const reloading = undo.use(await startReloading(template(5000, A), {place: net.proxy, env}));
  return {
    async change(round) {
      const last = await reloading.change(
        way === 'runtime' ? template(5000, round % 2 === 0 ? A : B) : template(5000 + round, A),
      );
      if (last.way !== way) throw new Error(`cannot measure ${way}: ${last.way} was used: ${last.why}`);
    },
    async shutMs() {
      const text = (await reloading.daemon.get('/metrics'))?.body ?? '';
      return Number(/^kontrol_gate_shut_seconds_total (\S+)$/m.exec(text)?.[1] ?? 0) * 1000;
    },
  };
}

async function openOld(haproxy: string, net: TwoNamespaces, undo: AsyncDisposableStack): Promise<Changer> {
  const wrapper = undo.use(await startWrapper(haproxy, template(5000, A), net.proxy));
  return {change: round => wrapper.reload(template(5000 + round, A)), shutMs: async () => undefined};
}

interface Measured {
  readonly fresh: LoadReport;
  readonly slow: LoadReport;
  readonly kept: LoadReport;
  readonly windowMs: number | undefined;
}

async function measure(way: string, haproxy: string, rttMs: number): Promise<Measured> {
  await using net = await openNamespaces();
  if (way === 'migrate') allowMigration(net.proxy);
  await using link = await openDelayLink(net.proxy, net.client, rttMs);
  await using _backends = await startBackends(
    [A, B].map(host => ({name: host, host, port: 80})),
    net.client,
  );
  await using undo = new AsyncDisposableStack();
  const changer = way === '2017' ? await openOld(haproxy, net, undo) : await openDaemon(way, haproxy, net, undo);
  const target = {host: link.ip, port: 80, durationMs: (seconds + 60) * 1000};
  await using slow = await startLoad({mode: 'slow', clients: SLOW_CLIENTS, ...target}, net.client);
  await using kept = await startLoad(
    {mode: 'keepalive', clients: KEEPALIVE_CLIENTS, gapMs: KEEPALIVE_GAP_MS, ...target},
    net.client,
  );
  await using fresh = await startLoad(
    {mode: 'connect', perSecond, maxCount: perSecond * seconds, ...target},
    net.client,
  );
  const startedMs = performance.now();
  for (let round = 1; round <= reloads; round += 1) {
    await sleep(Math.max(0, startedMs + (round * seconds * 1000) / (reloads + 1) - performance.now()));
    await changer.change(round);
  }
  const shutMs = await changer.shutMs();
  const reports = await Promise.all([fresh.ended(), slow.stop(), kept.stop()]);
  const [freshReport, slowReport, keptReport] = reports;
  return {
    fresh: freshReport,
    slow: slowReport,
    kept: keptReport,
    windowMs: shutMs === undefined ? undefined : shutMs / reloads,
  };
}

const row = (cells: readonly unknown[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

process.stdout.write(
  `${perSecond} new connections/s for ${seconds} s, ${reloads} changes, ${SLOW_CLIENTS} downloads and ${KEEPALIVE_CLIENTS} keep-alive clients beside\n\n`,
);
row([
  'HAProxy',
  'RTT ms',
  'way',
  'sent',
  'failed',
  'delayed ≥ 0.9 s',
  'connect p99 ms',
  'connect max ms',
  'window ms',
  'downloads',
  'keep-alive requests',
  'failed',
  'breaks',
]);
row(Array(13).fill('---'));
for (const haproxy of asked.haproxy.split(',')) {
  const version = parseVersion(execFileSync(haproxy, ['-v'], {encoding: 'utf8'}));
  for (const rttMs of asked.rtt.split(',').map(Number)) {
    for (const way of asked.ways.split(',')) {
      if (way === 'transfer' && !isAtLeast(version, 1, 8)) continue;
      const {fresh, slow, kept, windowMs} = await measure(way, haproxy, rttMs);
      row([
        version.text,
        rttMs,
        way,
        fresh.sent,
        fresh.failed === 0 ? 0 : `${fresh.failed} ${JSON.stringify(fresh.failures)}`,
        fresh.delayed,
        fresh.connectMs.p99,
        fresh.connectMs.max,
        windowMs === undefined ? '–' : Math.round(windowMs),
        `${slow.ok} of ${slow.sent}`,
        kept.sent,
        kept.failed === 0 ? 0 : `${kept.failed} ${JSON.stringify(kept.failures)}`,
        kept.breaks,
      ]);
    }
  }
}
