import {hostsReach, startBenchDaemon} from './daemon.ts';
import {counted, type Figure, noteSkipped} from './figure.ts';
import {hasWrk, runWrk} from './wrk.ts';

const SIZES = [
  {slaves: 5000, beside: '2017: over 100,000'},
  {slaves: 10_000, beside: 'goal: < 3,000'},
];

/** Longer than any takes: they ping on, as slaves do. */
const SECONDS = 60;

/** All slaves at once (wrk), none known before: from the first connection until the hosts map holds all of them. */
export async function benchBurst(): Promise<Figure[]> {
  if (!(await hasWrk())) {
    noteSkipped('bursts', 'there is no wrk (apt-get install wrk)');
    return [];
  }
  const figures: Figure[] = [];
  for (const {slaves, beside} of SIZES) {
    await using daemon = await startBenchDaemon({env: {KONTROL_DAMPER: '1'}});
    const startedMs = performance.now();
    const over = new AbortController();
    const load = runWrk({port: daemon.port, slaves, connections: 256, kind: 'new', seconds: SECONDS}, over.signal);
    await Promise.race([hostsReach(daemon, slaves, {inSync: false}), load]);
    const inHostsMs = performance.now() - startedMs;
    over.abort();
    await load.catch(() => {});
    await hostsReach(daemon, slaves, {inSync: true});
    const servedMs = performance.now() - startedMs;
    const name = `burst of ${counted(slaves, 'slave')}`;
    figures.push(
      {name: `${name}, all in hosts`, value: inHostsMs, unit: 'ms', better: 'less', beside},
      {name: `${name}, all served (damper 1 s)`, value: servedMs, unit: 'ms', better: 'less'},
    );
  }
  return figures;
}
