import type {Daemon} from '../support/daemon.ts';
import {KINDS, startCrowdedDaemon} from './daemon.ts';
import {counted, type Figure, noteSkipped} from './figure.ts';
import {hasWrk, runWrk, type WrkReport} from './wrk.ts';

const MEMBERS = 10_000;
/** 200 pings a second in all, each over a connection of its own. */
const LOAD = {connections: 10, pauseMs: 50, kind: 'new'} as const;
const SECONDS = 15;
/** Several in each pass: whenever one ends, another has been asked for. */
const JOIN_EVERY_MS = 50;

/**
 * How long known members without news wait for their answers, at a steady rate over new connections (wrk): with no pass under
 * way, and with one after the other, because others join all the time.
 */
export async function benchLatency(): Promise<Figure[]> {
  if (!(await hasWrk())) {
    noteSkipped('pings during passes', 'there is no wrk (apt-get install wrk)');
    return [];
  }
  const figures: Figure[] = [];
  for (const {kind, global, isMeant} of KINDS) {
    await using daemon = await startCrowdedDaemon(MEMBERS, {global});
    if (figures.length === 0) {
      const {pass: earlier} = await lastPass(daemon);
      figures.push(...figuresOf('no passes', await measure(daemon)));
      const {pass: latest, why} = await lastPass(daemon);
      if (latest > earlier) throw new Error(`${latest - earlier} passes while none was to be: ${why}`);
    }
    using _joins = startJoins(daemon);
    const before = await lastPass(daemon);
    const report = await measure(daemon);
    const {pass, way, why} = await lastPass(daemon);
    if (!isMeant(way)) {
      noteSkipped(kind, why);
      continue;
    }
    const rate = (pass - before.pass) / (report.durationMs / 1000);
    figures.push(...figuresOf(`passes, ${kind}`, report), {
      name: `passes meanwhile, ${kind}`,
      value: rate,
      unit: '1/s',
      better: 'more',
    });
  }
  return figures;
}

const measure = ({port}: Daemon): Promise<WrkReport> => runWrk({port, slaves: MEMBERS, seconds: SECONDS, ...LOAD});

function figuresOf(circumstances: string, {latencyMs, failed}: WrkReport): Figure[] {
  const name = `ping among ${counted(MEMBERS, 'member')}, ${circumstances}`;
  return [
    {name: `${name}, p50`, value: latencyMs.p50, unit: 'ms', better: 'less'},
    {name: `${name}, p99`, value: latencyMs.p99, unit: 'ms', better: 'less', beside: 'goal: < 20'},
    {name: `${name}, max`, value: latencyMs.max, unit: 'ms', better: 'less'},
    {name: `${name}, failed`, value: failed, unit: '', better: 'less'},
  ];
}

/** Pods that nobody knew join one after the other, until disposed. */
function startJoins(daemon: Daemon): Disposable {
  let joined = 0;
  const timer = setInterval(() => {
    joined += 1;
    void daemon.ping({ip: `10.200.${joined >> 8}.${joined & 255}`});
  }, JOIN_EVERY_MS);
  return {[Symbol.dispose]: () => clearInterval(timer)};
}

async function lastPass(daemon: Daemon): Promise<{pass: number; way: string; why: string}> {
  const last = (await daemon.status())?.reload.last;
  if (!last) throw new Error('cannot see the last pass: the daemon does not say');
  return last;
}
