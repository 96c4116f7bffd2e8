import {copyFile} from 'node:fs/promises';
import {connect} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {type ApiServer, startApiServer} from '../kubernetes/apiserver.ts';
import {openNamespace} from '../kubernetes/cluster.ts';
import {CONFIG, LABELS} from '../kubernetes/served.ts';
import {type Daemon, type DaemonOptions, startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {machine, type Place} from '../support/place.ts';
import {waitFor} from '../support/wait.ts';
import {BENCH_SETTINGS, benchTemplate, hostsReach} from './daemon.ts';
import {type Figure, median, noteSkipped, quantile} from './figure.ts';
import {runPingLoad} from './ping-load.ts';
import {cpuTimeMs, kinOf, proportionalMiB} from './processes.ts';

const MEMBERS = 1000;
const STARTS = 9;
const LOOK_MS = 2;

/** After a start and a crowd V8 still compiles and collects for a while; the render process ends after two minutes. */
const SETTLE_MS = 140_000;
const IDLE_MS = 60_000;

/**
 * What a daemon takes that nobody looks at: the time from its spawn until it takes a connection on its port, then with 1,000
 * members the memory of its processes together and its CPU; with the Kubernetes API (a real server) and without.
 */
export async function benchFootprint(): Promise<Figure[]> {
  await using folder = await openFolder();
  // What several processes map the kernel shares out among them: this bench runs another Node than the daemon.
  const node = join(folder.path, 'node');
  await copyFile(process.execPath, node);
  const place: Place = {...machine, exec: ([, ...args]) => [node, ...args]};
  const template = benchTemplate({proxyPort: await freePort()});
  const settings = {...BENCH_SETTINGS, KONTROL_DAMPER: '1'};
  const figures = await measure('no Kubernetes API', {place, template, env: settings});
  if (missing('apiserver') !== false) {
    noteSkipped('the Kubernetes API', 'there is no kube-apiserver (test/kubernetes/build-apiserver.sh makes one)');
    return figures;
  }
  await using api = await startApiServer();
  const env = {...settings, ...(await openPod(api, template))};
  return [...figures, ...(await measure('Kubernetes API', {place, template: '', env}))];
}

async function openPod(api: ApiServer, template: string): Promise<Record<string, string>> {
  const space = await openNamespace(api);
  await space.createPod('haproxy-1', {labels: LABELS, annotations: {[CONFIG]: template}, ip: '10.9.0.1'});
  return space.environment('haproxy-1');
}

async function measure(situation: string, options: DaemonOptions): Promise<Figure[]> {
  const starts: Start[] = [];
  for (let n = 0; n < STARTS; n += 1) starts.push(await measureStart(options));
  const startMs = starts.map(({wallMs}) => wallMs);
  const cpuMs = median(starts.map(start => start.cpuMs));
  const {memoryMiB, processes, idle} = await measureIdle(options);
  const [unit, better] = ['ms', 'less'] as const;
  const start = `${situation}: spawn to listening`;
  return [
    {name: `${start}, median`, value: median(startMs), unit, better, beside: 'goal: 600'},
    {name: `${start}, slowest of ${STARTS}`, value: quantile(startMs, 1), unit, better},
    {name: `${start}, CPU, median`, value: cpuMs, unit, better},
    {
      name: `${situation}: PSS of ${processes === 1 ? 'the daemon' : `${processes} processes`}`,
      value: memoryMiB,
      unit: 'MiB',
      better,
      beside: 'goal: 90',
    },
    {name: `${situation}: idle CPU of one core`, value: idle, unit: '%', better, beside: 'goal: 0.2'},
  ];
}

interface Start {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function measureStart(options: DaemonOptions): Promise<Start> {
  const startedMs = performance.now();
  await using daemon = await startDaemon(options);
  await waitFor(() => takesConnections(daemon.port), 'a daemon that listens', {everyMs: LOOK_MS});
  return {wallMs: performance.now() - startedMs, cpuMs: cpuTimeMs(daemon.pid)};
}

const takesConnections = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('close', () => resolve(false)).on('connect', () => socket.destroy());
  });

async function measureIdle(options: DaemonOptions) {
  await using daemon = await startDaemon(options);
  await daemon.waitFor(status => status.inSync, 'a daemon in sync');
  const pace = {is: 'closed', inFlight: 32, connections: 'new'} as const;
  await runPingLoad({port: daemon.port, slaves: MEMBERS, count: MEMBERS, pace});
  await hostsReach(daemon, MEMBERS, {inSync: true});
  await sleep(SETTLE_MS);
  const idle = await idlePercent(daemon);
  const ours = kinOf(daemon.pid, 'node');
  return {idle, processes: ours.length, memoryMiB: ours.reduce((sum, pid) => sum + proportionalMiB(pid), 0)};
}

async function idlePercent({pid}: Daemon): Promise<number> {
  const cpuMs = () => kinOf(pid, 'node').reduce((sum, each) => sum + cpuTimeMs(each), 0);
  const [startedMs, before] = [performance.now(), cpuMs()];
  await sleep(IDLE_MS);
  return (100 * (cpuMs() - before)) / (performance.now() - startedMs);
}
