import {readFile} from 'node:fs/promises';
import {parse} from 'yaml';
import {startBackends} from '../support/backend.ts';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {BENCH_SETTINGS} from './daemon.ts';
import {type Figure, median} from './figure.ts';

const MEMBERS = 10;
const CHANGES = 1000;

const fixture = (name: string): Promise<string> => readFile(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

/** The templates of 2017, as their users had them. */
const TEMPLATES: Readonly<Record<string, () => Promise<string>>> = {
  'http.j2 (mode http, checks, httpclose)': () => fixture('http.j2'),
  'the annotation of deployment-2017.yaml (mode tcp)': async () =>
    parse(await fixture('deployment-2017.yaml')).spec.template.metadata.annotations['haproxy.unity3d.com/config'],
};

/**
 * How often HAProxy is reloaded while a pod joins and the oldest leaves, again and again, 1,000 changes in all, one at a
 * time, and what a pass takes; `KONTROL_SPARE_SERVERS=auto`.
 */
export async function benchTurnover(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, load] of Object.entries(TEMPLATES)) figures.push(...(await measure(name, await load())));
  return figures;
}

async function measure(name: string, written: string): Promise<Figure[]> {
  const [port, podPort] = [await freePort(), await freePort()];
  const template = written
    .replace(/bind( +)\*:80/, `bind$1127.0.0.1:${port}`)
    .replace(/\{\{ip\}\}:\d+/, `{{ip}}:${podPort}`);
  const ips = Array.from({length: 2 * MEMBERS}, (_, n) => `127.0.3.${n + 1}`);
  await using _pods = await startBackends(ips.map(host => ({name: host, host, port: podPort})));
  await using daemon = await startDaemon({template, env: {...BENCH_SETTINGS, KONTROL_SPARE_SERVERS: 'auto'}});
  const applied = async (hosts: readonly string[]) =>
    await daemon.waitFor(
      status => status.inSync && status.hosts.web?.join() === hosts.join() && status,
      `${hosts.length} hosts applied`,
    );
  await daemon.waitFor(({inSync}) => inSync, 'a daemon in sync');
  let live: readonly string[] = [];
  const join = async (ip: string) => {
    await daemon.ping({ip});
    live = [...live, ip];
  };
  for (const ip of ips.slice(0, MEMBERS)) await join(ip);
  await applied(live);
  const ways = new Map<string, number>();
  const passMs: number[] = [];
  const note = async () => {
    const {last} = (await applied(live)).reload;
    ways.set(last?.way ?? '', (ways.get(last?.way ?? '') ?? 0) + 1);
    if (last?.way !== 'runtime') process.stdout.write(`${name}: ${last?.way}: ${last?.why}\n`);
    passMs.push(Object.values(last?.phasesMs ?? {}).reduce((sum, ms) => sum + ms, 0));
  };
  const before = (await applied(live)).proxy.generation;
  for (let change = 0; change < CHANGES; change += 2) {
    const [oldest = ''] = live;
    await join(ips.find(ip => !live.includes(ip)) ?? '');
    await note();
    await daemon.ping({ip: oldest}, {down: true});
    live = live.filter(ip => ip !== oldest);
    await note();
  }
  const reloads = (await applied(live)).proxy.generation - before;
  process.stdout.write(`${name}: ${[...ways].map(([way, count]) => `${count} by ${way}`).join(', ')}\n`);
  return [
    {
      name: `${CHANGES} joins and leaves, ${name}: reloads`,
      value: reloads,
      unit: '',
      better: 'less',
      beside: 'goal: 0',
    },
    {name: `${CHANGES} joins and leaves, ${name}: a pass, median`, value: median(passMs), unit: 'ms', better: 'less'},
  ];
}
