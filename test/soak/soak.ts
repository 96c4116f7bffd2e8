import {setTimeout as sleep} from 'node:timers/promises';
import {haproxiesOf} from '../support/processes.ts';
import {perform} from './actions.ts';
import {CROWD_SIZE} from './cast.ts';
import {checkCalm} from './check.ts';
import type {Journal} from './journal.ts';
import {type Discrepancy, judgeGrowth, splitLosses} from './oracle.ts';
import {type Action, planSteps} from './plan.ts';
import type {Summary} from './summary.ts';
import {startTraffic, type Traffic} from './traffic.ts';
import {rulesOf} from './usage.ts';
import {createWatch} from './watch.ts';
import {openWorld, type StoreKind, type World} from './world.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly store: StoreKind;
  readonly journal: Journal;
  /** Ends the run before its time, in order. */
  readonly signal?: AbortSignal;
}

/** How often the daemon is looked at, and the clients are asked. */
const LOOK_MS = 250;
const ASK_MS = 2000;

/** The last check and the stop come on top of the time that was asked for. */
const OVERTIME_MS = 300_000;

/** Runs the soak, to its first discrepancy or for its time, and ends with an orderly stop. Never rejects for what the daemon does. */
export async function runSoak({seed, minutes, store, journal, signal}: SoakOptions): Promise<Summary> {
  const startedMs = Date.now();
  const endMs = startedMs + minutes * 60_000;
  await using world = await openWorld(store, journal);
  const {reload, proxy} = (await world.daemon.status()) ?? {};
  journal.note('serves', JSON.stringify({haproxy: proxy?.version, gate: reload?.capabilities.gate, way: reload?.way}));
  await using traffic = await startTraffic(world.net, endMs - Date.now() + OVERTIME_MS);
  const done = new AbortController();
  const watching = [
    again(LOOK_MS, done.signal, world, createWatch(world)),
    again(ASK_MS, done.signal, world, async () => world.fail(await lost(world, traffic))),
  ];
  const ended = AbortSignal.any([world.failed, ...(signal === undefined ? [] : [signal])]);
  await act(world, seed, endMs, ended, journal);
  done.abort();
  await Promise.all(watching);
  const report = await traffic.stop();
  world.fail(await lost(world, traffic));
  const {guard, proxy: last} = (await world.daemon.status()) ?? {};
  if (world.problems.length === 0) world.fail(await stop(world));
  for (const samples of world.usages) world.fail(judgeGrowth(samples));
  journal.keep(world.daemon, `daemon-${world.life}.log`);
  const {inherent} = splitLosses(report.losses, world.windows);
  return {
    seed,
    store,
    haproxy: last?.version ?? null,
    ranMs: Date.now() - startedMs,
    actions: Object.fromEntries([...journal.counts].sort()),
    lives: world.life,
    stalls: world.stalls,
    guardHolds: guard?.holds ?? 0,
    generation: last?.generation ?? 0,
    requests: {...report, inherent: inherent.length},
    windows: world.windows,
    usages: world.usages,
    problems: world.problems,
    logs: journal.folder,
  };
}

/** Does the plan's steps until the first check after time is up. */
async function act(world: World, seed: number, endMs: number, ended: AbortSignal, journal: Journal): Promise<void> {
  let heavy: Promise<void> = Promise.resolve();
  const guarded = (work: Promise<void>): Promise<void> =>
    work.catch(error => world.fail([{what: 'an action failed', detail: String(error)}]));
  for (const step of planSteps(seed, CROWD_SIZE)) {
    const {action, afterMs} = step;
    await sleep(afterMs);
    if (ended.aborted) break;
    const isHeavy = HEAVY.has(action.do);
    if (isHeavy || action.do === 'check') await heavy;
    journal.step(step);
    if (action.do === 'check') {
      world.fail(await checkCalm(world, journal));
      if (Date.now() >= endMs) break;
    } else if (isHeavy) heavy = guarded(perform(world, action));
    else await guarded(perform(world, action));
  }
  await heavy;
}

/** They go on while light actions are done; one at a time. */
const HEAVY: ReadonlySet<Action['do']> = new Set([
  'spoil',
  'poison',
  'poisonApp',
  'killProxy',
  'killDaemon',
  'pause',
  'outage',
  'restart',
  'lock',
]);

async function again(everyMs: number, signal: AbortSignal, world: World, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted && !world.failed.aborted) {
    await work().catch(error => world.fail([{what: 'a look failed', detail: String(error)}]));
    await sleep(everyMs);
  }
}

async function lost({windows}: World, traffic: Traffic): Promise<Discrepancy[]> {
  const {losses, failures} = await traffic.report();
  const failed = Object.values(failures).reduce((total, count) => total + count, 0);
  if (failed > losses.length) return [{what: 'too many failed requests to tell them apart', detail: `${failed}`}];
  return splitLosses(losses, windows).failed.map(({kind, startedAt, endedAt}) => ({
    what: 'failed request',
    detail: `${kind}, from ${new Date(startedAt).toISOString()} to ${new Date(endedAt).toISOString()}`,
  }));
}

/** An orderly stop ends with 0 and leaves nothing behind. */
async function stop(world: World): Promise<Discrepancy[]> {
  world.isDown = true;
  const watched = world.watched();
  world.daemon.signal('SIGTERM');
  const exit = await world.daemon.exited;
  if (exit.code !== 0) return [{what: 'wrong exit', detail: `at the end: ${JSON.stringify(exit)}`}];
  const [haproxies, rules] = [haproxiesOf(world.dataFolder), rulesOf(watched)];
  if (haproxies.length === 0 && rules.length === 0) return [];
  return [
    {what: 'left behind', detail: `HAProxy ${haproxies.join(', ') || 'none'}; rules: ${rules.join('; ') || 'none'}`},
  ];
}
