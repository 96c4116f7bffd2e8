import {freePort} from '../support/free-port.ts';
import {startBenchDaemon} from './daemon.ts';
import type {Figure} from './figure.ts';
import {runPingLoad} from './ping-load.ts';

const SLAVES = 5000;

/** All slaves at once, none known before: from the first connection until the hosts map holds all of them. */
export async function benchBurst(): Promise<Figure[]> {
  await using daemon = await startBenchDaemon(await freePort(), {KONTROL_DAMPER: '1'});
  const startedMs = performance.now();
  const load = runPingLoad({port: daemon.port, slaves: SLAVES, count: SLAVES, inFlight: 256, connections: 'new'});
  await daemon.waitFor(status => status.hosts.web?.length === SLAVES, 'all in hosts', 60_000);
  const inHostsMs = performance.now() - startedMs;
  const {failed} = await load;
  await daemon.waitFor(status => status.inSync && status.hosts.web?.length === SLAVES, 'all served', 60_000);
  const servedMs = performance.now() - startedMs;
  const name = `burst of ${SLAVES} slaves`;
  return [
    {name: `${name}, all in hosts`, value: inHostsMs, unit: 'ms', better: 'less', beside: '2017: over 100,000'},
    {name: `${name}, all served (damper 1 s)`, value: servedMs, unit: 'ms', better: 'less'},
    {name: `${name}, failed`, value: failed, unit: '', better: 'less'},
  ];
}
