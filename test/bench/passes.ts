import type {HistoryEntry} from '../../src/lifecycle/history.ts';
import type {Daemon} from '../support/daemon.ts';
import {waitFor} from '../support/wait.ts';
import {KINDS, startCrowdedDaemon} from './daemon.ts';
import {counted, type Figure, median, noteSkipped} from './figure.ts';

const SIZES = [10, 1000, 10_000];
const PASSES = 9;

/** What a pass takes in which one pod joins, as the daemon's history and log say it: each phase, and the whole. */
export async function benchPasses(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const {kind, global, isMeant} of KINDS) {
    for (const size of SIZES) {
      await using daemon = await startCrowdedDaemon(size, {global});
      const passes: Pass[] = [];
      for (let n = 1; n <= PASSES; n += 1) passes.push(await joinOne(daemon, `10.200.0.${n}`));
      const strange = passes.find(({way}) => !isMeant(way));
      if (strange === undefined) figures.push(...figuresOf(kind, size, passes));
      else noteSkipped(`${kind}, ${counted(size, 'member')}`, strange.why);
    }
  }
  return figures;
}

interface Pass extends HistoryEntry {
  /** From its begin until the daemon says that it ended. */
  readonly wholeMs: number;
}

/** Resolves when the history is written, too: it is not in the way of the next pass. */
async function joinOne(daemon: Daemon, ip: string): Promise<Pass> {
  await daemon.ping({ip});
  const entry = await waitFor(async () => {
    const entries: HistoryEntry[] = JSON.parse((await daemon.get('/history?limit=3'))?.body ?? '[]');
    return entries.find(({joined, verdict}) => verdict === 'ok' && joined.pods.some(pod => pod.ip === ip));
  }, `the pass in which ${ip} joins`);
  const line = daemon.logs.find(({msg, pass}) => msg === 'pass ended' && pass === entry.pass);
  return {...entry, wholeMs: Number(line?.time) - entry.startedAt};
}

function figuresOf(kind: string, size: number, passes: readonly Pass[]): Figure[] {
  const phase = (name: keyof Pass['phasesMs']) => passes.map(({phasesMs}) => phasesMs[name] ?? 0);
  const measured = {
    render: phase('render'),
    validate: phase('validate'),
    apply: phase('apply'),
    whole: passes.map(({wholeMs}) => wholeMs),
  };
  return Object.entries(measured).map(([what, values]) => ({
    name: `pass with ${counted(size, 'member')}, ${kind}, ${what}, median of ${PASSES}`,
    value: median(values),
    unit: 'ms',
    better: 'less',
    point: {series: `a pass, ${kind}, ${what}`, size},
  }));
}
