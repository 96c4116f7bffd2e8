import {setTimeout as sleep} from 'node:timers/promises';
import {freePort} from '../support/free-port.ts';
import {cpuMs, residentMiB, startBenchDaemon} from './daemon.ts';
import type {Figure} from './figure.ts';
import {runPingLoad} from './ping-load.ts';

const MEMBERS = 1000;
const WATCHED_MS = 20_000;

/** What the daemon takes with 1,000 members: memory, and CPU while nothing happens. */
export async function benchIdle(): Promise<Figure[]> {
  await using daemon = await startBenchDaemon(await freePort());
  await runPingLoad({port: daemon.port, slaves: MEMBERS, count: MEMBERS, inFlight: 32, connections: 'new'});
  await daemon.waitFor(status => status.inSync && status.hosts.web?.length === MEMBERS, 'all served', 30_000);
  const before = cpuMs(daemon.pid);
  await sleep(WATCHED_MS);
  const idlePercent = (100 * (cpuMs(daemon.pid) - before)) / WATCHED_MS;
  const name = `daemon with ${MEMBERS} members`;
  return [
    {name: `${name}, RSS`, value: residentMiB(daemon.pid), unit: 'MiB', better: 'less', beside: '2017: 177'},
    {name: `${name}, idle CPU of one core`, value: idlePercent, unit: '%', better: 'less', beside: '2017: 0.77'},
  ];
}
