import {setTimeout as sleep} from 'node:timers/promises';
import type {Daemon} from '../support/daemon.ts';
import {cpuMs, residentMiB, startCrowdedDaemon} from './daemon.ts';
import {counted, type Figure} from './figure.ts';
import {runPingLoad} from './ping-load.ts';

const SIZES = [
  {size: 10, besideRss: ''},
  {size: 1000, besideRss: 'goal: 120; 2017: 177'},
  {size: 10_000, besideRss: 'goal: 200'},
];

/** After a start and a crowd V8 still compiles and collects for a while. */
const SETTLE_MS = 10_000;
/** A CPU second is told in hundredths: 0.07 % of this. */
const IDLE_MS = 15_000;
const BUSY_MS = 10_000;
const PINGS_PER_SECOND = 500;

/** What the daemon's own process takes: memory, and CPU while nothing happens and while its members ping. */
export async function benchResources(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const {size, besideRss} of SIZES) {
    await using daemon = await startCrowdedDaemon(size);
    await sleep(SETTLE_MS);
    const idle = await cpuPercent(daemon, () => sleep(IDLE_MS));
    const rss = residentMiB(daemon.pid);
    const pace = {is: 'open', perSecond: PINGS_PER_SECOND} as const;
    const count = (PINGS_PER_SECOND * BUSY_MS) / 1000;
    const busy = await cpuPercent(daemon, () => runPingLoad({port: daemon.port, slaves: size, count, pace}));
    const name = `daemon with ${counted(size, 'member')}`;
    const point = (what: string) => ({point: {series: what, size}});
    figures.push(
      {name: `${name}, RSS`, value: rss, unit: 'MiB', better: 'less', beside: besideRss, ...point('RSS')},
      {
        name: `${name}, idle CPU of one core`,
        value: idle,
        unit: '%',
        better: 'less',
        beside: 'goal: < 0.3; 2017: 0.77',
      },
      {
        name: `${name}, CPU of one core at ${PINGS_PER_SECOND} pings/s`,
        value: busy,
        unit: '%',
        better: 'less',
        ...point(`CPU at ${PINGS_PER_SECOND} pings/s`),
      },
    );
  }
  return figures;
}

async function cpuPercent({pid}: Daemon, meanwhile: () => Promise<unknown>): Promise<number> {
  const [startedMs, before] = [performance.now(), cpuMs(pid)];
  await meanwhile();
  return (100 * (cpuMs(pid) - before)) / (performance.now() - startedMs);
}
