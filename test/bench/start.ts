import {openFolder} from '../support/folder.ts';
import {waitFor} from '../support/wait.ts';
import {type BenchDaemonOptions, spawnBenchDaemon, startCrowdedDaemon} from './daemon.ts';
import {counted, type Figure, median, quantile} from './figure.ts';

const MEMBERS = 1000;
const STARTS = 7;
const LOOK_MS = 5;

/** Only a daemon that remembers its members is ready sooner than this. */
const WARM_UP = {KONTROL_WARMUP: '450'};

/** From the spawn of a daemon until `/readyz` says 200, HAProxy started anew: with nothing on disk, and with members. */
export async function benchStart(): Promise<Figure[]> {
  await using folder = await openFolder();
  {
    await using daemon = await startCrowdedDaemon(MEMBERS, {dataFolder: folder.path});
    daemon.signal('SIGTERM');
    await daemon.exited;
  }
  return [
    ...figuresOf('empty data folder, warm-up 0', await measure({})),
    ...figuresOf(`${counted(MEMBERS, 'member')} remembered`, await measure({dataFolder: folder.path, env: WARM_UP})),
  ];
}

async function measure(options: BenchDaemonOptions): Promise<number[]> {
  const samples: number[] = [];
  for (let n = 0; n < STARTS; n += 1) {
    const startedMs = performance.now();
    await using daemon = await spawnBenchDaemon(options);
    await waitFor(async () => (await daemon.get('/readyz'))?.status === 200, 'a ready daemon', {everyMs: LOOK_MS});
    samples.push(performance.now() - startedMs);
    daemon.signal('SIGTERM');
    await daemon.exited;
  }
  return samples;
}

const figuresOf = (circumstances: string, samples: readonly number[]): Figure[] => [
  {name: `start to ready, ${circumstances}, median`, value: median(samples), unit: 'ms', better: 'less'},
  {
    name: `start to ready, ${circumstances}, max of ${STARTS}`,
    value: quantile(samples, 1),
    unit: 'ms',
    better: 'less',
  },
];
