import {hostsReach, startBenchDaemon} from './daemon.ts';
import {counted, type Figure} from './figure.ts';
import {runPingLoad} from './ping-load.ts';

const SIZES = [
  {slaves: 5000, beside: '2017: over 100,000'},
  {slaves: 10_000, beside: 'goal: < 3,000'},
];

/** All slaves at once, none known before: from the first connection until the hosts map holds all of them. */
export async function benchBurst(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const {slaves, beside} of SIZES) {
    await using daemon = await startBenchDaemon({env: {KONTROL_DAMPER: '1'}});
    const startedMs = performance.now();
    const pace = {is: 'closed', inFlight: 256, connections: 'new'} as const;
    const load = runPingLoad({port: daemon.port, slaves, count: slaves, pace});
    await hostsReach(daemon, slaves, {inSync: false});
    const inHostsMs = performance.now() - startedMs;
    const {failed} = await load;
    await hostsReach(daemon, slaves, {inSync: true});
    const servedMs = performance.now() - startedMs;
    const name = `burst of ${counted(slaves, 'slave')}`;
    figures.push(
      {name: `${name}, all in hosts`, value: inHostsMs, unit: 'ms', better: 'less', beside},
      {name: `${name}, all served (damper 1 s)`, value: servedMs, unit: 'ms', better: 'less'},
      {name: `${name}, failed`, value: failed, unit: '', better: 'less'},
    );
  }
  return figures;
}
