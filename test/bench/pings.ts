import type {Daemon} from '../support/daemon.ts';
import {waitFor} from '../support/wait.ts';
import {cpuMs, startCrowdedDaemon} from './daemon.ts';
import {counted, type Figure} from './figure.ts';
import {type PingLoad, runPingLoad} from './ping-load.ts';

const SIZES = [1, 100, 1000, 10_000];
const IN_FLIGHT = 32;
const WARM_UP = 5000;
const COUNT = 30_000;

const BESIDE = {new: '2017: 380-510 registered', kept: ''} as const;

/** How many pings a second are registered, how long one takes then, and the CPU it costs: members known already. */
export async function benchPings(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of SIZES) {
    await using daemon = await startCrowdedDaemon(size);
    for (const connections of ['new', 'kept'] as const) figures.push(...(await measure(daemon, size, connections)));
  }
  return figures;
}

async function measure(daemon: Daemon, size: number, connections: 'new' | 'kept'): Promise<Figure[]> {
  const pace = {is: 'closed', inFlight: IN_FLIGHT, connections} as const;
  const load: PingLoad = {port: daemon.port, slaves: size, count: WARM_UP, pace};
  await runPingLoad(load);
  const before = {registered: await registered(daemon), cpuMs: cpuMs(daemon.pid)};
  const {durationMs, latencyMs, failed} = await runPingLoad({...load, count: COUNT});
  const pingMs = (cpuMs(daemon.pid) - before.cpuMs) / COUNT;
  const rate = ((await registered(daemon)) - before.registered) / (durationMs / 1000);
  const name = `pings, ${connections} connections, ${counted(size, 'member')}`;
  const point = {series: `CPU of a ping, ${connections} connections`, size};
  return [
    {name: `${name}, registered`, value: rate, unit: '1/s', better: 'more', beside: BESIDE[connections]},
    {name: `${name}, p50`, value: latencyMs.p50, unit: 'ms', better: 'less'},
    {name: `${name}, p99`, value: latencyMs.p99, unit: 'ms', better: 'less', beside: 'wanted: < 50'},
    {name: `${name}, max`, value: latencyMs.max, unit: 'ms', better: 'less'},
    {name: `${name}, CPU of one`, value: pingMs, unit: 'ms', better: 'less', point},
    {name: `${name}, failed`, value: failed, unit: '', better: 'less'},
  ];
}

/** What the daemon itself says it took into its table. With 10,000 servers a scrape takes a second. */
async function registered({get}: Daemon): Promise<number> {
  const metrics = await waitFor(async () => (await get('/metrics'))?.body, 'the metrics');
  const counts = [
    ...metrics.matchAll(/^kontrol_pings_total\{result="(?:joined|refreshed)",protocol="http"\} (\d+)$/gm),
  ];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
