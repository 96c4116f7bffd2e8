import {freePort} from '../support/free-port.ts';
import {startBenchDaemon} from './daemon.ts';
import type {Figure} from './figure.ts';
import {type PingLoad, runPingLoad} from './ping-load.ts';

const SLAVES = 1000;
const WARM_UP = 10_000;
const COUNT = 50_000;

const OLD = {new: '2017: 380-510 registered', kept: ''} as const;

/** How many pings a second are registered, and how long one takes then: 1,000 members that are known already. */
export async function benchPings(): Promise<Figure[]> {
  await using daemon = await startBenchDaemon(await freePort());
  const figures: Figure[] = [];
  for (const connections of ['new', 'kept'] as const) {
    const load: PingLoad = {port: daemon.port, slaves: SLAVES, count: WARM_UP, inFlight: 32, connections};
    await runPingLoad(load);
    const before = await registered(daemon);
    const report = await runPingLoad({...load, count: COUNT});
    const rate = ((await registered(daemon)) - before) / (report.durationMs / 1000);
    const name = `pings, ${connections} connections`;
    figures.push(
      {name: `${name}, registered`, value: rate, unit: '1/s', better: 'more', beside: OLD[connections]},
      {name: `${name}, p50`, value: report.latencyMs.p50, unit: 'ms', better: 'less'},
      {name: `${name}, p99`, value: report.latencyMs.p99, unit: 'ms', better: 'less', beside: 'wanted: < 50'},
      {name: `${name}, max`, value: report.latencyMs.max, unit: 'ms', better: 'less'},
      {name: `${name}, failed`, value: report.failed, unit: '', better: 'less'},
    );
  }
  return figures;
}

/** What the daemon itself says it took into its table. */
async function registered({get}: Awaited<ReturnType<typeof startBenchDaemon>>): Promise<number> {
  const metrics = (await get('/metrics'))?.body ?? '';
  const counts = [...metrics.matchAll(/^kontrol_pings_total\{result="(?:joined|refreshed)"\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
