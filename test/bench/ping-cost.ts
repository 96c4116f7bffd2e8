import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import {startBenchDaemon} from './daemon.ts';
import {type Figure, median, noteSkipped} from './figure.ts';
import {cpuTimeMs} from './processes.ts';
import {hasWrk, runWrk} from './wrk.ts';

const CONNECTIONS = ['new', 'kept'] as const;
const GOAL = {new: 'goal: 1.2', kept: 'goal: 1.4'} as const;
const ROUNDS = 5;
const SECONDS = 4;
const SLAVES = 1000;
const BARE = fileURLToPath(new URL('bare-fastify.ts', import.meta.url));

interface Server {
  readonly pid: number;
  readonly port: number;
}

/**
 * What a ping costs beside bare fastify, in turns: CPU of the server's process for each, and how many a second; wrk (one
 * thread, 16 connections) is the client. CPU tells it also where client and server share the cores with others.
 */
export async function benchPingCost(): Promise<Figure[]> {
  if (!(await hasWrk())) {
    noteSkipped('the cost of a ping', 'there is no wrk (apt-get install wrk)');
    return [];
  }
  await using daemon = await startBenchDaemon();
  const child = spawn(process.execPath, [BARE], {stdio: ['ignore', 'pipe', 'inherit']});
  try {
    const [port] = await once(child.stdout, 'data');
    const bare = {pid: child.pid ?? 0, port: Number(port)};
    const figures: Figure[] = [];
    for (const connections of CONNECTIONS) figures.push(...(await compare(connections, daemon, bare)));
    return figures;
  } finally {
    child.kill('SIGKILL');
  }
}

async function compare(connections: 'new' | 'kept', daemon: Server, bare: Server): Promise<Figure[]> {
  for (const server of [daemon, bare]) await load(server, connections);
  const rounds: {readonly ours: Cost; readonly bare: Cost}[] = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    rounds.push({ours: await load(daemon, connections), bare: await load(bare, connections)});
  }
  const middle = (derive: (round: (typeof rounds)[number]) => number) => median(rounds.map(derive));
  const name = `a ping, ${connections} connections`;
  const per = {unit: '1/s', better: 'more'} as const;
  return [
    {
      name: `${name}: CPU, to bare fastify's`,
      value: middle(({ours, bare}) => ours.cpuMs / bare.cpuMs),
      unit: '',
      better: 'less',
      beside: GOAL[connections],
    },
    {name: `${name}: CPU`, value: middle(({ours}) => ours.cpuMs), unit: 'ms', better: 'less'},
    {name: `${name}: CPU of bare fastify`, value: middle(({bare}) => bare.cpuMs), unit: 'ms', better: 'less'},
    {name: `${name}: a second`, value: middle(({ours}) => ours.perSecond), ...per},
    {name: `${name}: a second, bare fastify`, value: middle(({bare}) => bare.perSecond), ...per},
  ];
}

interface Cost {
  readonly cpuMs: number;
  readonly perSecond: number;
}

async function load({pid, port}: Server, connections: 'new' | 'kept'): Promise<Cost> {
  const before = cpuTimeMs(pid);
  const {count, failed} = await runWrk({port, slaves: SLAVES, connections: 16, kind: connections, seconds: SECONDS});
  if (failed > 0 || count === 0) throw new Error(`${failed} of ${count} pings were not answered 200`);
  return {cpuMs: (cpuTimeMs(pid) - before) / count, perSecond: count / SECONDS};
}
