import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {readFile, rename, rm, writeFile} from 'node:fs/promises';
import {stripTypeScriptTypes} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import type {ChildExit, LogLine} from '../support/output.ts';
import {waitFor} from '../support/wait.ts';
import type {Armed} from './inject.ts';
import type {Scenario, Stage} from './scenario.ts';
import {countDescriptors, openVisitors, seeClean} from './whole.ts';

/** An effect of a pass: what it is, and which of several that look the same. */
export interface Point {
  readonly label: string;
  readonly nth: number;
}

export type Kind = 'error' | 'hang' | 'crash';

/** How a trial ended, for the table: what the daemon said and did about the fault. */
export type Outcome = string;

/** A daemon, and after each crash the next one on its folder, whose passes go wrong one after the other. */
export interface Session extends AsyncDisposable {
  /** What a pass asks of the system, found by watching a good one. */
  record(): Promise<Point[]>;
  /**
   * Has HAProxy hang (SIGSTOP) when a pass comes to an effect, or without any pass, and sees that another one serves and
   * nothing is left of it. Undefined when such a pass has no such effect.
   */
  hang(label: string | undefined): Promise<Outcome | undefined>;
  /** Has one effect of a pass go wrong and sees to it that everything is whole in the end. Throws when it is not. */
  run(point: Point, kind: Kind): Promise<Outcome>;
}

/** As JavaScript: a daemon that strips the types itself takes longer to start than all else in a trial. */
const PRELOAD = stripTypeScriptTypes(readFileSync(fileURLToPath(new URL('inject.ts', import.meta.url)), 'utf8'));

/** So many daemons are started that they share what V8 made of their code. */
const COMPILE_CACHE = join(tmpdir(), 'kontrol-faults-compiled');

/** HAProxy's check and its start may take a minute each before they are given up. */
const PATIENCE_MS = 200_000;

const QUIET_POLLS = 30;

/** Once another HAProxy serves: none of them may meet the old one's listener. */
const VISITS_AFTER = 20;

export async function openSession(scenario: Scenario, stage: Stage): Promise<Session> {
  await using undo = new AsyncDisposableStack();
  const [folder, data] = [undo.use(await openFolder()), undo.use(await openFolder())];
  const [template, preload, armedFile] = ['proxy.j2', 'inject.mjs', 'armed'].map(name => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(preload, PRELOAD);
  let owner: AsyncDisposableStack = undo;
  let round = 0;
  let daemon: Daemon;

  const start = async (): Promise<Daemon> => {
    const env = {
      KONTROL_DAMPER: '0.05',
      KONTROL_WARMUP: '0',
      KONTROL_GRACE: '3',
      KONTROL_RELOAD: scenario.setting,
      NODE_OPTIONS: `--import=${preload}`,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      FAULT_FOLDER: folder.path,
      ...scenario.env,
    };
    return owner.use(await startDaemon({template, place: stage.place, dataFolder: data.path, env}));
  };

  const say = (ip: string, isDown = false) => daemon.ping({ip, place: stage.place}, isDown ? {down: true} : {});

  /** The text of the round with these pods, who say that they are there until it serves. */
  const seeText = async (pods: readonly string[]): Promise<{readonly text: string; readonly generation: number}> => {
    const text = stage.rendered?.(round, pods) ?? stage.text(round);
    const {proxy} = await daemon.waitFor(
      async status => {
        for (const ip of pods) await say(ip);
        const isServed = status.inSync && status.lastError === null && status.proxy.draining.length === 0;
        return isServed && (await daemon.get('/config'))?.body === text && status;
      },
      'the text in sync',
      PATIENCE_MS,
    );
    return {text, generation: proxy.generation};
  };

  const {stay, comes} = stage.pods ?? {stay: [], comes: undefined};

  const seeServed = async (since: number): Promise<number> => {
    // Its own words cost nothing to look at; a pass that ended well before the change is not the one.
    const isDone = ({msg, time}: LogLine) => msg === 'pass ended' && Number(time) >= since;
    const evidence = () => JSON.stringify(daemon.logs.slice(-20));
    await waitFor(() => daemon.logs.some(isDone), 'a pass that ends well', {timeoutMs: PATIENCE_MS, evidence});
    const {text, generation} = await seeText(comes === undefined ? stay : [...stay, comes]);
    assert.equal(await readFile(join(data.path, 'proxy.cfg'), 'utf8'), text, 'proxy.cfg is what runs');
    return generation;
  };

  const seeWhole = async (since: number): Promise<void> => {
    await seeClean(data.path, await seeServed(since), stage.place);
  };

  /** Arms the fault, changes the template and asks for a pass. Resolves with when that was. */
  const change = async (fault: Armed['fault']): Promise<number> => {
    if (comes !== undefined) {
      await say(comes, true);
      await seeText(stay);
    }
    const {generation, pid} = (await daemon.status())?.proxy ?? {generation: 0, pid: null};
    round += 1;
    await Promise.all(['struck', 'effects'].map(name => rm(join(folder.path, name), {force: true})));
    // A daemon that reads half a template has a pass fail of which the trial knows nothing.
    await writeFile(`${template}.next`, stage.text(round));
    await rename(`${template}.next`, template);
    const since = Date.now();
    await writeFile(armedFile, JSON.stringify({trial: round, generation, pid, fault} satisfies Armed));
    daemon.signal('SIGHUP');
    if (comes !== undefined) void comeBeside(comes, generation);
    return since;
  };

  /** A pod comes while the next HAProxy starts; to the next daemon, where this one ends before. */
  const comeBeside = async (ip: string, generation: number): Promise<void> => {
    const {logs, exited} = daemon;
    const isStarting = ({to, generation: number}: LogLine) => to === 'STARTING' && Number(number) > generation;
    const over = new AbortController();
    void exited.then(() => over.abort());
    await waitFor(() => over.signal.aborted || logs.some(isStarting), 'the next HAProxy', {
      timeoutMs: PATIENCE_MS,
      everyMs: 2,
    });
    if (!over.signal.aborted) await say(ip);
  };

  const effects = (): Point[] => {
    const lines = readFileSync(join(folder.path, 'effects'), 'utf8').split('\n');
    return lines.filter(line => line !== '').map(line => JSON.parse(line) as Point);
  };

  const runCrash = async ({label}: Point): Promise<Outcome> => {
    let exit: ChildExit | undefined;
    void daemon.exited.then(seen => {
      exit = seen;
    });
    const evidence = () => JSON.stringify(daemon.logs.slice(-20));
    await waitFor(() => exit !== undefined, `the end of the daemon at ${label}`, {evidence});
    assert.deepEqual(exit, {code: null, signal: 'SIGKILL'});
    await rm(armedFile);
    assert.equal(await stage.visit(), 'pod', 'the last good proxy serves without the daemon');
    const since = Date.now();
    daemon = await start();
    await seeWhole(since);
    const first = daemon.logs.find(({msg}) => msg === 'pass ended');
    return `the next daemon: ${String(first?.way)}`;
  };

  const hasStruck = () => readdirSync(folder.path).includes('struck');

  const runFault = async ({label}: Point, since: number): Promise<Outcome> => {
    await waitFor(hasStruck, `the fault at ${label}`, {evidence: () => JSON.stringify(daemon.logs.slice(-20))});
    // A ping is answered whatever a pass waits for.
    assert.equal((await daemon.ping({ip: '10.7.7.7', app: 'other', place: stage.place})).is, 'answered');
    // What cannot be removed stays until the next pass, which tries it again.
    if (!/^remove |^list /.test(label)) {
      await seeWhole(since);
      return outcomeOf(daemon, since);
    }
    await seeServed(since);
    const outcome = outcomeOf(daemon, since);
    await seeWhole(await change(null));
    return `${outcome}; the next pass tries it again`;
  };

  await writeFile(template, stage.text(round));
  daemon = await start();
  await seeWhole(0);
  await daemon.waitFor(async () => (await stage.visit()) === 'pod', 'the pod');
  const kept = undo.move();
  owner = kept;
  return {
    async record() {
      const since = await change(null);
      await seeWhole(since);
      let [polls, count] = [0, -1];
      const isQuiet = () => {
        const now = effects().length;
        polls = now === count ? polls + 1 : 0;
        count = now;
        return polls > QUIET_POLLS;
      };
      await waitFor(isQuiet, 'the end of its effects');
      await rm(armedFile);
      return effects();
    },
    async hang(label) {
      const hung = (await daemon.status())?.proxy.pid ?? 0;
      const since = Date.now();
      if (label === undefined) {
        process.kill(hung, 'SIGSTOP');
      } else {
        await change({label, nth: 1, kind: 'stop'});
        const isOver = () =>
          hasStruck() || daemon.logs.some(({msg, time}) => msg === 'pass ended' && Number(time) >= since);
        await waitFor(isOver, `the effect ${label}`);
        if (!hasStruck()) return undefined;
      }
      const text = stage.text(round);
      const {proxy} = await daemon.waitFor(
        async status => {
          const {ready, inSync, proxy: seen} = status;
          const isOther = ready && inSync && seen.state === 'RUNNING' && seen.pid !== hung;
          return isOther && (await daemon.get('/config'))?.body === text && status;
        },
        'another HAProxy with the new text',
        PATIENCE_MS,
      );
      for (let visits = 0; visits < VISITS_AFTER; visits += 1) assert.equal(await stage.visit(), 'pod');
      await seeClean(data.path, proxy.generation, stage.place);
      await rm(armedFile, {force: true});
      return label === undefined ? 'another one is started' : outcomeOf(daemon, since);
    },
    async run(point, kind) {
      const descriptors = countDescriptors(daemon.pid);
      const visitors = openVisitors(stage.visit);
      try {
        const since = await change({...point, kind});
        const outcome = await (kind === 'crash' ? runCrash(point) : runFault(point, since));
        await rm(armedFile, {force: true});
        if (kind !== 'crash') {
          await waitFor(() => countDescriptors(daemon.pid) <= descriptors + 1, 'no descriptor left over');
        }
        assert.deepEqual(await visitors.stop(), [], 'what visitors saw');
        return outcome;
      } finally {
        await visitors.stop();
      }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** What the daemon said of a fault. */
function outcomeOf({logs}: Daemon, since: number): Outcome {
  const own = logs.filter(({time}) => Number(time) >= since);
  const failed = own.filter(({verdict}) => verdict === 'failed');
  if (failed.length > 0) return `the pass fails, is tried again: ${reasonIn(failed[0]?.error)}`;
  // What HAProxy itself says of its configuration is no news.
  const warned = own.find(({level, room}) => Number(level) >= 40 && room !== 'proxy');
  if (warned !== undefined) return `goes on, warns: ${String(warned.msg)}`;
  const last = own.findLast(({msg, verdict}) => msg === 'pass ended' && verdict === 'ok');
  return `goes on: ${String(last?.way)}`;
}

/** Without what differs from run to run. */
const reasonIn = (error: unknown): string =>
  String(error)
    .replaceAll(/\/\S*\/kontrol-\w+\/?/g, '')
    .replaceAll(/\brun\/\d+\./g, 'run/N.')
    .replaceAll(/generation \d+/g, 'generation N')
    .replaceAll(/\d+ ms/g, 'N ms')
    .slice(0, 140);
