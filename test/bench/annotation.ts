import {setTimeout as sleep} from 'node:timers/promises';
import {createApiSource} from '../kubernetes/api-world.ts';
import {startApiServer} from '../kubernetes/apiserver.ts';
import {downwardSource} from '../kubernetes/downward-world.ts';
import type {PodSource} from '../kubernetes/pod-world.ts';
import {CONFIG, locationAt, seeServed, templateOf} from '../kubernetes/served.ts';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {type Figure, median, quantile} from './figure.ts';

const SAMPLES = 25;
const LOOK_MS = 2;

/**
 * From the change of the pod's annotation to the first answer of HAProxy that shows the new template: through a real API
 * server, and through a downward-API volume (from its swap on: the kubelet takes up to a minute to get there).
 */
export async function benchAnnotation(): Promise<Figure[]> {
  await using api = await startApiServer();
  const figures: Figure[] = [];
  for (const source of [createApiSource(() => api), downwardSource]) {
    const samples = await measure(source);
    const name = `annotation to serving, ${source.name}`;
    figures.push(
      {
        name: `${name}, median of ${SAMPLES}`,
        value: median(samples),
        unit: 'ms',
        better: 'less',
        beside: '2017: a new pod',
      },
      {name: `${name}, max`, value: quantile(samples, 1), unit: 'ms', better: 'less'},
    );
  }
  return figures;
}

async function measure(source: PodSource): Promise<number[]> {
  const port = await freePort();
  await using world = await source.open({annotations: {[CONFIG]: templateOf(port, 'start')}});
  await using daemon = await startDaemon({template: '', env: world.env});
  await seeServed(port, 'start', daemon);
  const samples: number[] = [];
  for (let n = 0; n < SAMPLES; n += 1) {
    await daemon.waitFor(({inSync, proxy}) => inSync && proxy.draining.length === 0, 'a proxy at rest');
    // Not in step with what looks at the volume once a second.
    await sleep(1000 * Math.random());
    const startedMs = performance.now();
    await world.annotate({[CONFIG]: templateOf(port, `v${n}`)});
    while ((await locationAt(port)) !== `/v${n}`) await sleep(LOOK_MS);
    samples.push(performance.now() - startedMs);
  }
  return samples;
}
