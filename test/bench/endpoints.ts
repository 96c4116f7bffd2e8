import {spawn} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {ask} from '../../src/proxy/runtime.ts';
import {BACKEND_HEADER, startBackends} from '../support/backend.ts';
import {getSegments} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {openNamespaces} from '../support/namespaces.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {machine, type Place} from '../support/place.ts';
import {waitFor} from '../support/wait.ts';
import {benchTemplate, hostsReach, startCrowdedDaemon} from './daemon.ts';
import {counted, type Figure, median, noteSkipped, quantile} from './figure.ts';
import {startWrapper} from './wrapper-2017.ts';

/** `KONTROL_MEMBERS=10,1000` has some of them alone. */
const SIZES = (process.env.KONTROL_MEMBERS ?? '10,1000,10000').split(',').map(Number);
const SAMPLES = 11;
/** The wrapper takes seconds for each. */
const WRAPPER_SAMPLES = 3;
const LOOK_MS = 2;
const ANSWER_TIMEOUT_MS = 5000;
/** For so long nobody must be answered by a pod that has left, before its last answer is believed to be that. */
const QUIET_MS = 60;

const GOALS: Readonly<Record<number, string>> = {10: 'goal: 20', 1000: 'goal: 60', 10000: 'goal: 300'};
const LEAVE_GOAL = 'goal: 10';

/** Who brings a pod that comes, and goes, to a HAProxy that serves others too. */
interface Bringer extends AsyncDisposable {
  readonly port: number;
  readonly place: Place;
  join(ip: string): Promise<void>;
  leave(ip: string): Promise<void>;
  /** Resolves when it has nothing left to do, with what each part of its work took; undefined when it reloaded HAProxy. */
  rest(members: number): Promise<Readonly<Record<string, number>> | undefined>;
}

/**
 * From a pod's first ping to its first answer through HAProxy, and from its last ping to its last answer, among 10, 1,000
 * and 10,000 others, damper 0; beside, in the same run, the same told to HAProxy by hand over its socket (`add server`, or
 * `set server` where that is not there yet) and the wrapper of 2017. HAProxy is asked every 2 ms, over new connections.
 */
export async function benchEndpoints(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const lacking = missing('root', 'netns', 'iptables');
  if (lacking !== false) noteSkipped('the wrapper of 2017', lacking);
  for (const size of SIZES) {
    const ports = {proxy: await freePort(), pods: await freePort()};
    figures.push(...(await measure(size, 'by hand', await openByHand(size, ports), SAMPLES, ports.pods)));
    figures.push(...(await measure(size, 'daemon', await openDaemon(size, ports), SAMPLES, ports.pods)));
    if (lacking === false) {
      figures.push(
        ...(await measure(size, 'wrapper of 2017', await openWrapper(size, ports.pods), WRAPPER_SAMPLES, ports.pods)),
      );
    }
  }
  return figures;
}

interface Ports {
  readonly proxy: number;
  readonly pods: number;
}

async function measure(
  size: number,
  who: string,
  opened: Bringer,
  samples: number,
  podPort: number,
): Promise<Figure[]> {
  await using bringer = opened;
  // The first one may find no room, and a daemon's first change makes it start its render process.
  const ips = Array.from({length: samples + 1}, (_, index) => `127.0.2.${index + 1}`);
  await using _pods = await startBackends(
    ips.map(host => ({name: host, host, port: podPort})),
    bringer.place,
  );
  const joins: number[] = [];
  const leaves: number[] = [];
  let reloads = 0;
  const phases: Record<string, number[]> = {};
  const note = (what: string, said: Readonly<Record<string, number>> | undefined) => {
    if (said === undefined) reloads += 1;
    for (const [phase, ms] of Object.entries(said ?? {})) {
      phases[`${what}: ${phase}`] ??= [];
      phases[`${what}: ${phase}`]?.push(ms);
    }
  };
  for (const [index, ip] of ips.entries()) {
    const client = askAgainAndAgain(ip, bringer);
    const startedMs = performance.now();
    await bringer.join(ip);
    const joinMs = (await client.firstAnswer()) - startedMs;
    const joined = await bringer.rest(size + 1);
    const leftMs = performance.now();
    await bringer.leave(ip);
    const leaveMs = (await client.lastAnswer()) - leftMs;
    const left = await bringer.rest(size);
    if (index === 0) continue;
    joins.push(joinMs);
    leaves.push(Math.max(0, leaveMs));
    note('join', joined);
    note('leave', left);
  }
  const name = `${counted(size, 'member')}, ${who}`;
  const goal = who === 'daemon' ? GOALS[size] : undefined;
  return [
    {name: `${name}: join to first answer`, value: median(joins), ...inMs, ...(goal && {beside: goal})},
    {name: `${name}: ..., max of ${samples}`, value: quantile(joins, 1), ...inMs},
    {name: `${name}: leave to last answer`, value: median(leaves), ...inMs, ...(goal && {beside: LEAVE_GOAL})},
    {name: `${name}: ..., max of ${samples} leaves`, value: quantile(leaves, 1), ...inMs},
    {name: `${name}: reloads`, value: reloads, unit: '', better: 'less'},
    ...Object.entries(phases).map(([phase, ms]) => ({name: `${name}: of a ${phase}`, value: median(ms), ...inMs})),
  ];
}

const inMs = {unit: 'ms', better: 'less'} as const;

/** Asks HAProxy every 2 ms, whatever became of the questions before, until `lastAnswer` knows. */
function askAgainAndAgain(ip: string, {place, port}: Pick<Bringer, 'place' | 'port'>) {
  const request = {host: machine.ip, port, segments: getSegments('/', 'bench'), timeoutMs: ANSWER_TIMEOUT_MS};
  const open = new Set<Promise<void>>();
  let firstMs: number | undefined;
  let lastMs = 0;
  /** When the newest question was asked that somebody else, or nobody, has answered. */
  let otherMs = 0;
  const question = async () => {
    const askedMs = performance.now();
    const outcome = await place.exchange(request);
    const isFrom = outcome.is === 'answered' && outcome.answer.headers[BACKEND_HEADER] === ip;
    if (!isFrom) {
      otherMs = Math.max(otherMs, askedMs);
      return;
    }
    lastMs = performance.now();
    firstMs ??= lastMs;
  };
  const looking = setInterval(() => {
    const asked = question().finally(() => open.delete(asked));
    open.add(asked);
  }, LOOK_MS);
  return {
    firstAnswer: () => waitFor(() => firstMs, `an answer of ${ip}`, {everyMs: LOOK_MS}),
    async lastAnswer(): Promise<number> {
      await waitFor(() => otherMs > lastMs + QUIET_MS, `no answer of ${ip} any more`);
      clearInterval(looking);
      await Promise.all(open);
      return lastMs;
    },
  };
}

/** Only pods that come by name are asked: nobody listens where all others are said to be. */
const WEIGHT = "weight {{ 0 if ip.startswith('10.') else 1 }}";

async function openDaemon(size: number, ports: Ports): Promise<Bringer> {
  const daemon = await startCrowdedDaemon(size, {
    proxyPort: ports.proxy,
    memberPort: ports.pods,
    serverOptions: WEIGHT,
    env: {KONTROL_SPARE_SERVERS: 'auto'},
  });
  return {
    port: ports.proxy,
    place: machine,
    async join(ip) {
      await daemon.ping({ip});
    },
    async leave(ip) {
      await daemon.ping({ip}, {down: true});
    },
    async rest(members) {
      await hostsReach(daemon, members, {inSync: true});
      const last = (await daemon.status())?.reload.last;
      return last?.way === 'runtime' ? last.phasesMs : undefined;
    },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

const hostOf = (index: number): string => `10.0.${(index + 1) >> 8}.${(index + 1) & 255}`;

/** What the bench's template comes out as with so many members, and servers behind them. */
function textOf(size: number, {proxy, pods}: Ports, more: readonly string[]): string {
  const [head = ''] = benchTemplate({proxyPort: proxy, memberPort: pods}).split('{%-');
  const servers = Array.from({length: size}, (_, n) => `server web-${n + 1} ${hostOf(n)}:${pods} weight 0`);
  return `${head}${[...servers, ...more].map(line => `\n  ${line}`).join('')}\n`;
}

/** As a controller does that relies on HAProxy to refuse what is wrong: a line over the socket, and no more. */
async function openByHand(size: number, ports: Ports): Promise<Bringer> {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-bench-'));
  const [socket, configuration] = [join(folder, 'sock'), join(folder, 'proxy.cfg')];
  const adds = haproxyIsAtLeast(2, 6);
  const name = `web/web-${size + 1}`;
  const spare = adds ? [] : [`server web-${size + 1} 192.0.2.1:${ports.pods} weight 1 disabled`];
  const text = `global\n  stats socket ${socket} level admin\n${textOf(size, ports, spare)}`;
  await writeFile(configuration, text);
  const child = spawn(haproxyBinary, ['-db', '-f', configuration], {stdio: 'ignore'});
  const say = async (line: string) => {
    await ask(socket, line, {timeoutMs: ANSWER_TIMEOUT_MS});
  };
  await waitFor(() => ask(socket, 'show info', {timeoutMs: 1000}).catch(() => undefined), 'an answer of HAProxy');
  return {
    port: ports.proxy,
    place: machine,
    join: ip =>
      say(
        adds
          ? `add server ${name} ${ip}:${ports.pods} weight 1; enable server ${name}`
          : `set server ${name} addr ${ip} port ${ports.pods}; set server ${name} state ready`,
      ),
    leave: () => say(`set server ${name} state maint`),
    async rest() {
      // As controllers do it, too: later.
      if (adds) await say(`del server ${name}`);
      return {};
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await rm(folder, {recursive: true, force: true});
    },
  };
}

/** It gets a text that is rendered already, and no damper of its day: seconds less than what its users had. */
async function openWrapper(size: number, podPort: number): Promise<Bringer> {
  const undo = new AsyncDisposableStack();
  const net = undo.use(await openNamespaces());
  const ports = {proxy: 80, pods: podPort};
  const wrapper = undo.use(await startWrapper(haproxyBinary, textOf(size, ports, []), net.proxy));
  return {
    port: ports.proxy,
    place: net.proxy,
    join: ip => wrapper.reload(textOf(size, ports, [`server web-${size + 1} ${ip}:${podPort} weight 1`])),
    leave: () => wrapper.reload(textOf(size, ports, [])),
    async rest() {
      return undefined;
    },
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}
