import {isDeepStrictEqual} from 'node:util';
import {waitFor} from '../support/wait.ts';
import type {Journal} from './journal.ts';
import type {Expectation} from './model.ts';
import type {Note} from './notes.ts';
import {type Discrepancy, judgeUsage} from './oracle.ts';
import {goodText, type Hosts, parseServed} from './templates.ts';
import {loadUsage, type Usage} from './usage.ts';
import {judgeSight, look} from './watch.ts';
import type {World} from './world.ts';

/** Held members leave after two TTLs, drains end with their downloads; the rest is for a busy machine. */
const CALM_WITHIN_MS = 120_000;

const hostsWithin = (expected: readonly Expectation[]): Readonly<Record<string, string[]>> => {
  const byApp = Map.groupBy(
    expected.filter(({is}) => is === 'in'),
    ({app}) => app,
  );
  return Object.fromEntries([...byApp].map(([app, members]) => [app, members.map(({ip}) => ip).sort()]));
};

const sorted = (hosts: Hosts): Readonly<Record<string, string[]>> =>
  Object.fromEntries(Object.entries(hosts).map(([app, ips]) => [app, ips.toSorted()]));

/** Each pod's payload of now, and no other. */
const saysAll = ({pods}: World, notes: readonly Note[]): boolean => {
  const said = pods.flatMap(({isOn, note}) => (isOn && note !== undefined ? [note] : []));
  const byName = (all: readonly Note[]) => all.toSorted((a, b) => a.name.localeCompare(b.name));
  return isDeepStrictEqual(byName(notes), byName(said));
};

/** With nothing being done: waits until the model knows for sure and all agree with it, then nothing may be left behind. */
export async function checkCalm(world: World, journal: Pick<Journal, 'note'>): Promise<Discrepancy[]> {
  const startedMs = Date.now();
  let members = 0;
  let last = 'nothing was seen';
  const isCalm = async (): Promise<boolean> => {
    if (world.failed.aborted) return true;
    const sight = await look(world);
    if (sight === undefined) return false;
    const nowMs = Date.now();
    const expected = world.model.expected({fromMs: nowMs, toMs: nowMs});
    members = expected.filter(({is}) => is === 'in').length;
    const unknown = expected.filter(({is}) => is === 'unknown').map(({ip}) => ip);
    const {status, served, isStill} = sight;
    const found = judgeSight(world, sight);
    const notes = parseServed(served)?.notes ?? [];
    const isExact = served === goodText(world.template.n, status.hosts, world.form, notes) && saysAll(world, notes);
    const isAgreed = isDeepStrictEqual(sorted(status.hosts), hostsWithin(expected));
    const {draining} = status.proxy;
    last = JSON.stringify({
      isStill,
      unknown,
      isExact,
      isAgreed,
      draining,
      wanted: world.template.n,
      served: parseServed(served)?.n,
      notes,
      lastError: status.lastError,
      healthy: status.store.healthy,
      found,
    });
    return (
      isStill &&
      unknown.length === 0 &&
      isExact &&
      isAgreed &&
      draining.length === 0 &&
      status.store.healthy &&
      found.length === 0
    );
  };
  try {
    await waitFor(isCalm, 'calm', {timeoutMs: CALM_WITHIN_MS, evidence: () => last});
  } catch (error) {
    return [{what: 'does not come to rest', detail: error instanceof Error ? error.message : String(error)}];
  }
  if (world.failed.aborted) return [];
  const found = await checkUsage(world);
  const {rssKib, descriptors} = world.usages.at(-1)?.at(-1) ?? {};
  journal.note('calm', JSON.stringify({afterMs: Date.now() - startedMs, members, rssKib, descriptors}));
  return found;
}

/** What is only just ending gets a moment. */
async function checkUsage(world: World): Promise<Discrepancy[]> {
  const own = world.usages.at(-1) ?? [];
  let usage: Usage = loadUsage(world.watched());
  const judge = () => judgeUsage(own[0] ?? usage, usage);
  const isClean = () => {
    usage = loadUsage(world.watched());
    return judge().length === 0;
  };
  await waitFor(isClean, 'no leak', {timeoutMs: 10_000}).catch(() => {});
  own.push(usage);
  return judge();
}
