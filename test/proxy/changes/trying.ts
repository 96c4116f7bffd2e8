import {Agent} from 'node:http';
import {systemClock} from '../../../src/ports/clock.ts';
import {deriveDifference, type ServerChange} from '../../../src/proxy/difference.ts';
import {parseOutline} from '../../../src/proxy/outline.ts';
import {deriveCommands, deriveDelete} from '../../../src/proxy/server-commands.ts';
import type {ServerLine} from '../../../src/proxy/server-line.ts';
import {findSpares} from '../../../src/proxy/spare-servers.ts';
import type {Release} from '../../../src/proxy/version.ts';
import {readBack} from '../../../src/reload/read-back.ts';
import {waitFor} from '../../support/wait.ts';
import type {Cell} from './cells.ts';
import type {Harness} from './harness.ts';
import {DEAD_IP, type Held, trackedOf} from './pods.ts';
import {inTurn, isOut, isPending, type Running, run, standings, textOf} from './running.ts';

/** How a cell fared: what we decide, and what came of its commands, whether they are allowed or not. */
export interface Tried {
  readonly cell: Cell;
  /** Why it is a reload; undefined where it is told at run time. */
  readonly reload: string | undefined;
  readonly commands: readonly string[];
  /** What differs from a fresh start, and from what HAProxy was told; empty when nothing does. */
  readonly differences: readonly string[];
}

/** What is sent where it comes to it, without asking whether it may be. */
export function forcedChanges(before: string, after: string, id: string): ServerChange[] {
  const serversOf = (text: string): readonly ServerLine[] =>
    parseOutline(text).backends.find(({name}) => name === id)?.servers ?? [];
  const [old, next] = [serversOf(before), serversOf(after)];
  const was = new Map(old.map(server => [server.name, server]));
  const is = new Map(next.map(server => [server.name, server]));
  const active = next.filter(({disabled, weight}) => !disabled && weight !== 0).length;
  return [
    ...next.filter(({name}) => !was.has(name)).map((server): ServerChange => ({do: 'add', backend: id, after: server})),
    ...next.flatMap((server): ServerChange[] => {
      const previous = was.get(server.name);
      if (previous === undefined) return [];
      const isMoved = JSON.stringify(previous.address) !== JSON.stringify(server.address);
      const alone = active === (server.disabled || server.weight === 0 ? 0 : 1);
      return [
        ...(isMoved ? [{do: 'move', backend: id, before: previous, after: server, alone} as const] : []),
        ...(previous.weight === server.weight ? [] : [{do: 'weigh', backend: id, after: server} as const]),
        ...(previous.disabled === server.disabled
          ? []
          : [{do: server.disabled ? 'disable' : 'enable', backend: id, after: server} as const]),
      ];
    }),
    ...old
      .filter(({name}) => !is.has(name))
      .map((server): ServerChange => ({do: 'remove', backend: id, before: server})),
  ];
}

const CROWD = 20;
const FEW = 3;
/** So many that each server of a small backend has a request under way. */
const KEPT_CLIENTS = 3;

/** A client that keeps its connection, with a request under way while servers change. */
interface KeptClient {
  readonly first: Promise<string>;
  /** The answers to what it asks later on the same connection. */
  later(): Promise<string[]>;
  close(): void;
}

async function openKeptClient(running: Running, cell: Cell, held: Held, requestsBefore: number): Promise<KeptClient> {
  const agent = new Agent({keepAlive: true, maxSockets: 1});
  for (let count = 0; count < requestsBefore; count += 1) await running.get(cell, '/', agent);
  const arrived = held.arrivedFor(cell.id);
  let isAnswered = false;
  const first = running.get(cell, held.path, agent).finally(() => {
    isAnswered = true;
  });
  await waitFor(() => isAnswered || held.arrivedFor(cell.id) > arrived, 'the request that is held');
  return {
    first,
    async later() {
      const answers: string[] = [];
      for (let count = 0; count < 3; count += 1) answers.push(await running.get(cell, '/', agent));
      return answers;
    },
    close: () => agent.destroy(),
  };
}

/** One after the other, with one request before the first's and two before the next's, so that two servers have one each. */
async function openKeptClients(running: Running, cell: Cell, held: Held): Promise<KeptClient[]> {
  const clients: KeptClient[] = [];
  for (let index = 0; index < Math.min(cell.before.length, KEPT_CLIENTS); index += 1)
    clients.push(await openKeptClient(running, cell, held, 1 + (index % 2)));
  return clients;
}

/** What they are answered once nothing is held any more. */
async function askKept(clients: readonly KeptClient[]): Promise<string[]> {
  const answers: string[] = [];
  for (const client of clients) {
    await client.first;
    answers.push(...(await client.later()));
    client.close();
  }
  return answers;
}

const tally = (answers: readonly string[]): string => [...new Set(answers)].sort().join(', ');

async function inParallel(running: Running, cell: Cell): Promise<string> {
  const [count, path] = cell.trial.crowded ? [CROWD, '/slow'] : [FEW, '/'];
  return tally((await Promise.all(Array.from({length: count}, () => running.get(cell, path)))).map(answerKind));
}

/** Who answers may depend on the moment, whether somebody does must not. */
const answerKind = (answer: string): string => (/^[\d.]+:\d+$/.test(answer) ? 'answered' : answer);

const HASHES = /balance (uri|url_param|hdr|hash)/;

const isRandom = ({section}: Cell): boolean => section.some(line => line.startsWith('balance random'));

/** So many for each turn that hardly a server is never drawn. */
const DRAWS = 16;

/** After so many requests every server has had its turn. */
const turnsOf = (cell: Cell): number =>
  cell.after.reduce((sum, line) => sum + Number(/.* weight (\d+)/.exec(line)?.[1] ?? 1), 0) *
  (isRandom(cell) ? DRAWS : 1);

/** A connection through a TCP proxy, or a tunnel, stays with one server. */
const isTunnel = ({trial, section}: Cell): boolean => trial.mode === 'tcp' || section.includes('option http-tunnel');

/** HAProxy 2.1 and later take no notice of `option http-tunnel`. */
const FORGETS_TUNNELS: Release = 2.1;

/** Where each of some paths goes: the same everywhere for hashes, whom it may go to at all for others. */
async function spread(running: Running, cell: Cell): Promise<string> {
  const agent = isTunnel(cell) ? undefined : new Agent({keepAlive: true, maxSockets: 1});
  const answers = await Promise.all(
    Array.from({length: turnsOf(cell) + 3}, (_, count) => running.get(cell, `/p${count}?x=${count}`, agent)),
  );
  agent?.destroy();
  return cell.section.some(line => HASHES.test(line)) ? answers.join(', ') : tally(answers);
}

const LOOKS = 5;

/** The same of both, asked again where they differ: a check that a busy machine was late for sends requests elsewhere. */
async function spreadsOf(both: readonly Running[], cell: Cell): Promise<string[]> {
  for (let look = 1; ; look += 1) {
    const spreads = await Promise.all(both.map(one => spread(one, cell)));
    if (new Set(spreads).size < 2 || look === LOOKS) return spreads;
  }
}

async function each<T>(
  cells: readonly Cell[],
  atOnce: number,
  work: (cell: Cell) => Promise<T>,
): Promise<Map<Cell, T>> {
  const results = new Map<Cell, T>();
  await inTurn(cells, atOnce, async cell => {
    results.set(cell, await work(cell));
  });
  return results;
}

type Standings = ReadonlyMap<string, string>;

/** Spare servers are nobody's to see. */
const withoutSpares = (stand: Standings, cells: readonly Cell[]): Standings => {
  const spares = new Set(
    cells.flatMap(({id, spares}) => (spares?.after ?? []).map(line => `${id}/${line.split(' ')[1]}`)),
  );
  return new Map([...stand].filter(([key]) => !spares.has(key)));
};

/** What `told` and `fresh` show of one cell, in what differs; empty when they agree. */
function standingDifferences({id}: Cell, [told, fresh]: readonly Standings[], when: string): string[] {
  const keys = new Set([...(told?.keys() ?? []), ...(fresh?.keys() ?? [])].filter(key => key.startsWith(`${id}/`)));
  return [...keys].flatMap(key => {
    const [words, others] = [told?.get(key)?.split(' ') ?? [], fresh?.get(key)?.split(' ') ?? []];
    const atRunTime = words.filter(word => !others.includes(word)).join(' ');
    const atStart = others.filter(word => !words.includes(word)).join(' ');
    return atRunTime === atStart ? [] : [`${when}${key}: ${atRunTime}, after a start ${atStart}`];
  });
}

/** The time between two checks, and that of one which gets no answer. */
const QUIET_MS = 7200;
/** A busy machine is late; what differs after this long stays so. */
const PATIENCE_MS = 25_000;

/**
 * Looks at both HAProxys until every cell stands still and alike in both, all of its checks made: for as long as it
 * takes to have been checked again. What differs at the end of our patience is the difference.
 */
async function settled(both: readonly Running[], cells: readonly Cell[], patienceMs: number): Promise<Standings[]> {
  const startMs = performance.now();
  const last = new Map<Cell, {readonly text: string; readonly sinceMs: number}>();
  return waitFor(
    async () => {
      const stand = (await Promise.all(both.map(standings))).map(one => withoutSpares(one, cells));
      const nowMs = performance.now();
      let isOver = true;
      const byCell = Map.groupBy(
        stand.flatMap(one => [...one]),
        ([key]) => key.slice(0, key.indexOf('/')),
      );
      for (const cell of cells) {
        const own = byCell.get(cell.id) ?? [];
        const text = JSON.stringify(own);
        const before = last.get(cell);
        const sinceMs = before?.text === text ? before.sinceMs : nowMs;
        last.set(cell, {text, sinceMs});
        const isStill = nowMs - sinceMs > QUIET_MS && !own.some(([, standing]) => isPending(standing));
        isOver &&= isStill && standingDifferences(cell, stand, '').length === 0;
      }
      return isOver || nowMs - startMs > patienceMs ? stand : undefined;
    },
    'servers that stand still',
    {everyMs: 600},
  );
}

/** Servers that the new text disables would be enabled at run time; others may take a reload to be checked at once. */
const isWokenByCommand = (cell: Cell, {pods, abilities}: Pick<Harness, 'pods' | 'abilities'>): boolean => {
  const awake = {...cell, after: cell.after.map(line => line.replace(/ disabled$/, ''))};
  const [asleep, woken] = [cell, awake].map(one => textOf([one], 'after', trackedOf(pods)));
  return deriveDifference(asleep ?? '', woken ?? '', abilities).is === 'runtime';
};

/** How all stand once those that were out are back: what is not shown of them before must be right by then. */
async function wake(
  both: readonly Running[],
  cells: readonly Cell[],
  {stand, patienceMs, harness}: {stand: Standings[]; patienceMs: number; harness: Pick<Harness, 'pods' | 'abilities'>},
): Promise<Standings[]> {
  const woken = new Set(cells.filter(cell => isWokenByCommand(cell, harness)).map(({id}) => id));
  const out = [...(stand[1] ?? [])].flatMap(([key, standing]) =>
    isOut(standing) && woken.has(key.slice(0, key.indexOf('/'))) ? [key] : [],
  );
  if (out.length === 0) return stand;
  for (const running of both) {
    for (const key of out) await running.ask(`set server ${key} state ready`).catch(String);
  }
  return settled(both, cells, patienceMs);
}

/** Connections of those that were removed have ended by now. */
async function finishRemovals(running: Running, changes: readonly ServerChange[]): Promise<void> {
  const removals = changes.flatMap(change =>
    change.do === 'remove' ? [deriveDelete(change.backend, change.before.name)] : [],
  );
  const untilMs = performance.now() + PATIENCE_MS;
  for (const removal of removals) {
    await waitFor(
      async () => !IS_USED.test(await running.ask(removal).catch(String)) || performance.now() > untilMs,
      'the end of its connections',
    );
  }
}
const IS_USED = /still has/;

/** Other commands than ours, to see what would come of them, and how long we wait for both to be alike. */
export interface Way {
  readonly commandsOf?: (change: ServerChange) => string[];
  readonly patienceMs?: number;
}

/**
 * Brings HAProxy from the first text of all cells to the second one by commands, starts another one with the second
 * text, and compares how servers stand and what clients get: new ones, such as keep their connection, twenty at once.
 */
export async function tryCells(
  cells: readonly Cell[],
  {binary, pods, abilities}: Pick<Harness, 'binary' | 'pods' | 'abilities'>,
  {commandsOf = deriveCommands, patienceMs = PATIENCE_MS}: Way = {},
): Promise<Tried[]> {
  const tracked = trackedOf(pods);
  const after = textOf(cells, 'after', tracked);
  await using told = await run(binary, textOf(cells, 'before', tracked, true));
  await waitFor(async () => ![...(await standings(told)).values()].some(isPending), 'the first checks', {everyMs: 400});
  const held = pods.hold();
  const kept = await each(cells, 60, cell => openKeptClients(told, cell, held));
  const plans = cells.map(cell => {
    const [own, next] = (['before', 'after'] as const).map(when => textOf([cell], when, tracked, true));
    const difference = deriveDifference(own ?? '', next ?? '', {...abilities, unused: new Set(findSpares(own ?? ''))});
    const changes = difference.is === 'runtime' ? difference.changes : forcedChanges(own ?? '', next ?? '', cell.id);
    return {cell, changes, reload: difference.is === 'reload' ? difference.why : undefined};
  });
  const said = new Map<Cell, string>();
  for (const {cell, changes} of plans) {
    if (!told.isAlive()) break;
    if (changes.length === 0) continue;
    said.set(cell, await told.ask(changes.map(change => commandsOf(change).join('; ')).join('; ')).catch(String));
  }
  const looking = {ask: (_: string, command: string) => told.ask(command), clock: systemClock, isRefused: false};
  const wrong = new Map<Cell, string>();
  for (const {cell, changes} of plans) {
    const deviation = await readBack(told.socket, changes, looking).catch(String);
    if (deviation !== undefined) wrong.set(cell, `${deviation} (HAProxy says: ${said.get(cell)?.trim()})`);
  }
  held.release();
  // At once, before HAProxy closes connections that nobody uses.
  const later = await each(cells, 40, cell => askKept(kept.get(cell) ?? []));
  await using fresh = await run(binary, after);
  const parallel = await Promise.all([told, fresh].map(one => each(cells, 12, cell => inParallel(one, cell))));
  await finishRemovals(
    told,
    plans.flatMap(({changes}) => changes),
  );
  const both = [told, fresh];
  const stand = await settled(both, cells, patienceMs);
  const spreads = await each(cells, 20, cell => spreadsOf(both, cell));
  const woken = await wake(both, cells, {stand, patienceMs, harness: {pods, abilities}});
  return plans.map(({cell, changes, reload}) => {
    const differences: string[] = [];
    const note = (what: string, atRunTime: string | undefined, atStart: string | undefined) => {
      if (atRunTime !== atStart) differences.push(`${what}: ${atRunTime}, after a start ${atStart}`);
    };
    const refusal = wrong.get(cell);
    if (refusal !== undefined) differences.push(`refused: ${refusal}`);
    differences.push(...standingDifferences(cell, stand, ''), ...standingDifferences(cell, woken, 'once enabled, '));
    // Whom the clients of a server that is dead, or refuses its checks, meet depends on when its next check is.
    const isDead = [...(stand[1] ?? [])].some(
      ([key, standing]) => key.startsWith(`${cell.id}/`) && / status=DOWN/.test(` ${standing}`),
    );
    if (!isDead && !cell.after.some(line => line.includes(DEAD_IP)))
      note('at once', parallel[0]?.get(cell), parallel[1]?.get(cell));
    const [spreadTold, spreadFresh] = spreads.get(cell) ?? [];
    note('requests', spreadTold, spreadFresh);
    const allowed = [spreadFresh ?? '', ...cell.after].join(' ');
    // Through a TCP proxy or a tunnel it stays with its server, as with the process that a reload leaves.
    const staysWithServer = isTunnel(cell) && (cell.trial.mode === 'tcp' || abilities.release < FORGETS_TUNNELS);
    const onKept = staysWithServer ? [] : (later.get(cell) ?? []);
    const stale = onKept.filter(answer => answerKind(answer) === 'answered' && !allowed.includes(answer));
    if (stale.length > 0) differences.push(`a kept connection: answers from ${tally(stale)}`);
    return {
      cell,
      reload,
      commands: changes.flatMap(commandsOf),
      differences,
    };
  });
}
