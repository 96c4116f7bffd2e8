import {systemClock} from '../../../src/ports/clock.ts';
import {deriveDifference, type ServerChange} from '../../../src/proxy/difference.ts';
import {parseOutline} from '../../../src/proxy/outline.ts';
import {deriveCommands, deriveDelete} from '../../../src/proxy/server-commands.ts';
import type {ServerLine} from '../../../src/proxy/server-line.ts';
import {findSpares} from '../../../src/proxy/spare-servers.ts';
import {findLimitDoubt} from '../../../src/reload/limit-room.ts';
import {readBack} from '../../../src/reload/read-back.ts';
import {findWaitingDoubt} from '../../../src/reload/waiting-requests.ts';
import {waitFor} from '../../support/wait.ts';
import type {Cell} from './cells.ts';
import {
  answerKind,
  askBoth,
  askKept,
  FORGETS_TUNNELS,
  inParallel,
  isTunnel,
  openKeptClients,
  spread,
  tally,
} from './clients.ts';
import type {Harness} from './harness.ts';
import {acquaint, meetAgain, returnAll, returnDifferences} from './persisting.ts';
import {DEAD_IP, trackedOf} from './pods.ts';
import {inTurn, isCheckedOnce, isOut, isPending, type Running, run, standings, textOf} from './running.ts';
import {fillServers, waitingDifference} from './waiting.ts';

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
    {everyMs: 1000},
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

type Move = ServerChange & {readonly do: 'move'};

const isComing = (change: ServerChange): change is Move =>
  change.do === 'move' && change.before.disabled && !change.after.disabled;

const stillOut = ({after: {address}, ...move}: Move): Move => ({...move, after: {...move.before, address}});

interface Plan {
  readonly cell: Cell;
  readonly changes: readonly ServerChange[];
}

/** Tells all of it, and looks whether that was done; `left` is what may not be told now, with requests that wait. */
async function tellAll(
  told: Running,
  plans: readonly Plan[],
  commandsOf: (change: ServerChange) => string[],
): Promise<{readonly left: ReadonlyMap<Cell, string>; readonly wrong: ReadonlyMap<Cell, string>}> {
  const looking = {ask: (_: string, command: string) => told.ask(command), clock: systemClock, isRefused: false};
  const said = new Map<Cell, string>();
  const left = new Map<Cell, string>();
  for (const {cell, changes} of plans) {
    if (!told.isAlive()) break;
    if (changes.length === 0) continue;
    const doubt = cell.trial.full
      ? ((await findLimitDoubt(looking.ask, told.socket, changes)) ??
        (await findWaitingDoubt(looking.ask, told.socket, changes)))
      : undefined;
    if (doubt !== undefined) {
      left.set(cell, doubt);
      continue;
    }
    const tell = (some: readonly ServerChange[]) =>
      told.ask(some.map(change => commandsOf(change).join('; ')).join('; ')).catch(String);
    // As the daemon does: HAProxy 3.2 carries an address out after its answer, and one that waits would be sent to the former.
    const first = cell.trial.full ? changes.filter(isComing) : [];
    if (first.length > 0) {
      await tell(first);
      await readBack(told.socket, first.map(stillOut), looking).catch(String);
    }
    const others = changes.filter(change => !first.some(one => one === change));
    said.set(cell, others.length === 0 ? '' : await tell(others));
  }
  const wrong = new Map<Cell, string>();
  for (const {cell, changes} of plans) {
    if (left.has(cell)) continue;
    const deviation = await readBack(told.socket, changes, looking).catch(String);
    if (deviation !== undefined) wrong.set(cell, `${deviation} (HAProxy says: ${said.get(cell)?.trim()})`);
  }
  return {left, wrong};
}

/** After a start such a server is down until its checks have passed; one that is not changed stays up. */
const STARTS_DOWN = / init-state (fully-)?down/;

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
  const full = cells.filter(({trial}) => trial.full);
  await using undo = new AsyncDisposableStack();
  const start = async (some: readonly Cell[]): Promise<Running> => {
    const running = undo.use(await run(binary, textOf(some, 'before', tracked, true)));
    await waitFor(() => isCheckedOnce(running), 'the first checks', {everyMs: 200});
    return running;
  };
  // The second one is told nothing: what a reload would leave, until the last of its clients has gone.
  const [told, untold] = await Promise.all([start(cells), full.length === 0 ? undefined : start(full)]);
  await each(cells, 60, cell => acquaint(told, cell));
  const held = pods.hold();
  const heldUntold = pods.hold();
  const kept = await each(cells, 60, cell => openKeptClients(told, cell, held));
  const filled =
    untold === undefined
      ? []
      : await Promise.all([fillServers(told, full, held), fillServers(untold, full, heldUntold)]);
  const plans = cells.map(cell => {
    const [own, next] = (['before', 'after'] as const).map(when => textOf([cell], when, tracked, true));
    const difference = deriveDifference(own ?? '', next ?? '', {...abilities, unused: new Set(findSpares(own ?? ''))});
    const changes = difference.is === 'runtime' ? difference.changes : forcedChanges(own ?? '', next ?? '', cell.id);
    return {cell, changes, reload: difference.is === 'reload' ? difference.why : undefined};
  });
  const {left, wrong} = await tellAll(told, plans, commandsOf);
  held.release();
  heldUntold.release();
  // At once, before HAProxy closes connections that nobody uses.
  const later = await each(cells, 40, cell => askKept(kept.get(cell) ?? []));
  const waited = await each(full, 40, cell => Promise.all(filled.map(one => one.get(cell) ?? [])));
  // Its checks cost as much as those of the others.
  await untold?.[Symbol.asyncDispose]();
  const changed = cells.filter(cell => !left.has(cell));
  await using fresh = await run(binary, after);
  const parallel = await Promise.all([told, fresh].map(one => each(changed, 12, cell => inParallel(one, cell))));
  await finishRemovals(
    told,
    plans.flatMap(({cell, changes}) => (left.has(cell) ? [] : changes)),
  );
  const both = [told, fresh];
  const stand = await settled(both, changed, patienceMs);
  const spreads = await each(changed, 20, cell => askBoth(both, cell, spread));
  const again = await each(changed, 20, cell => askBoth(both, cell, meetAgain));
  const returned = await each(changed, 20, cell => Promise.all(both.map(one => returnAll(one, cell))));
  const woken = await wake(both, changed, {stand, patienceMs, harness: {pods, abilities}});
  return plans.map(({cell, changes, reload}) => {
    const differences: string[] = [];
    const doubt = left.get(cell);
    if (doubt !== undefined) return {cell, reload: doubt, commands: [], differences};
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
    const isSteady = !isDead && !cell.after.some(line => line.includes(DEAD_IP) || STARTS_DOWN.test(line));
    if (isSteady) note('at once', parallel[0]?.get(cell), parallel[1]?.get(cell));
    const [spreadTold, spreadFresh] = spreads.get(cell) ?? [];
    note('requests', spreadTold, spreadFresh);
    const [againTold, againFresh] = again.get(cell) ?? [];
    note('clients with cookies', againTold, againFresh);
    const [waitedTold = [], waitedUntold = []] = waited.get(cell) ?? [];
    const fewer = waitingDifference(waitedTold, waitedUntold);
    if (isSteady && fewer !== undefined) differences.push(fewer);
    differences.push(...returnDifferences(cell, returned.get(cell) ?? [], isDead));
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
