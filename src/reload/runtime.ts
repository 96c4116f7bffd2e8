import {foreseenReason} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Files, PreparedFile} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {writeFault} from '../ports/write-fault.ts';
import {compareTexts, type Difference, lineOf, type ServerChange} from '../proxy/difference.ts';
import {keepsValidity} from '../proxy/kept-validity.ts';
import {createOutlineReader} from '../proxy/outline.ts';
import {deriveCommands} from '../proxy/server-commands.ts';
import {findSpares} from '../proxy/spare-servers.ts';
import {type Release, releaseOf, type Version} from '../proxy/version.ts';
import {type Abilities, createAbilities} from './abilities.ts';
import {countCheckedAdds, findRoomDoubt} from './check-room.ts';
import {findChangedFiles} from './files-read.ts';
import {type StagedGeneration, writeRewritten} from './generation.ts';
import {findLimitDoubt} from './limit-room.ts';
import {findCheckDoubt, findDown, readBack} from './read-back.ts';
import {createRemovedServers, type RemovedServers} from './removed-servers.ts';
import {findWaitingDoubt} from './waiting-requests.ts';

/**
 * How a candidate fared with the running HAProxy: `applied`, and both it and its files say so; `unfit`, nothing was
 * sent; `refused`, something was, and what it runs is neither text; `invalid`, something was, and cannot be committed for
 * `fault` (its check's, mostly): with `isTakenBack` HAProxy runs what it ran before, else neither text.
 */
export type RuntimeOutcome = {readonly why: string} & (
  | {readonly is: 'applied' | 'unfit' | 'refused'}
  | {readonly is: 'invalid'; readonly fault: unknown; readonly isTakenBack: boolean}
);

export interface RuntimePorts {
  readonly ask: (socket: string, command: string) => Promise<string>;
  readonly clock: Clock;
  readonly committedPath: string;
  readonly files: Files;
  readonly log: Log;
  readonly version: Version;
  /** A text as HAProxy reads it: with spare servers, where there are to be some. */
  readonly readAs?: (text: string) => string;
}

type Check = () => Promise<unknown>;

/** Changes of servers in the HAProxy that runs. */
export interface Runtime {
  /** Its servers alone differ, as far as the texts say: it may be told, and told back. */
  isChange(current: StagedGeneration, text: string): Promise<boolean>;
  /** Tells it, has it checked meanwhile unless its text needs no check, and writes it down. `check` is asked more than once. */
  apply(current: StagedGeneration, text: string, check?: Check): Promise<RuntimeOutcome>;
  /** Whether a text could be told, and what or why not. Tells nothing. */
  foresee(current: StagedGeneration, text: string): Promise<{readonly is: 'fit' | 'unfit'; readonly why: string}>;
}

/** HAProxy 1.7 reads a command line of up to 16 KiB. */
const MAX_LINE_CHARACTERS = 8000;

const MAX_NAMED = 3;

/** What HAProxy answers to a command that it does not carry out. */
const COMPLAINT = /must|can(no|')t|fail|invalid|unknown|no such|already exists/i;
/** Of a server that somebody else added: it may stand as told, with other options. */
const TAKEN = /already exists/i;

interface State {
  readonly ports: RuntimePorts;
  readonly abilities: Abilities;
  /** Servers with checks that came at run time, by generation. */
  readonly checkedAdds: WeakMap<StagedGeneration, number>;
  readonly removed: RemovedServers;
  /** Spare servers that served nobody yet, by generation. */
  readonly unused: WeakMap<StagedGeneration, Set<string>>;
  readonly readOutline: ReturnType<typeof createOutlineReader>;
  /** A pass asks whether its text is safe, and then has it applied. */
  lastCompared: {readonly before: string; readonly after: string; readonly difference: Difference} | undefined;
}

export function openRuntime(ports: RuntimePorts): Runtime {
  const state: State = {
    ports,
    abilities: createAbilities(ports.ask, ports.version),
    checkedAdds: new WeakMap(),
    removed: createRemovedServers(ports),
    unused: new WeakMap(),
    readOutline: createOutlineReader(),
    lastCompared: undefined,
  };
  return {
    isChange: async (current, text) => (await compare(state, current, text)).is === 'runtime',
    apply: (current, text, check) => apply(state, current, text, check),
    async foresee(current, text) {
      const found = await findChanges(state, current, text);
      return found.is === 'fit' ? {is: 'fit', why: describe(found.changes)} : found;
    },
  };
}

async function compare(state: State, current: StagedGeneration, text: string): Promise<Difference> {
  const {read: before, paths} = current;
  const {abilities, lastCompared, ports} = state;
  const after = readAs(ports, text);
  if (lastCompared?.before === before && lastCompared.after === after) return lastCompared.difference;
  const difference = await stepByStep(
    compareTexts(
      before,
      after,
      {...(await abilities.of(paths.socket)), unused: unusedOf(state, current)},
      state.readOutline,
    ),
  );
  state.lastCompared = {before, after, difference};
  return difference;
}

/** All of them when HAProxy was started: whatever changed since, changed here. */
function unusedOf({unused}: State, generation: StagedGeneration): Set<string> {
  const known = unused.get(generation) ?? new Set(findSpares(generation.read));
  unused.set(generation, known);
  return known;
}

const readAs = (ports: Pick<RuntimePorts, 'readAs'>, text: string): string => ports.readAs?.(text) ?? text;

type Found =
  | {readonly is: 'unfit'; readonly why: string}
  | {readonly is: 'fit'; readonly changes: readonly ServerChange[]; readonly allChecks: number};

/** What the running HAProxy would have to be told of a text, if that will do. */
async function findChanges(state: State, current: StagedGeneration, text: string): Promise<Found> {
  if (current.supervisor.job.is !== 'RUNNING') return {is: 'unfit', why: 'HAProxy is not running'};
  const difference = await compare(state, current, text);
  state.lastCompared = undefined;
  if (difference.is === 'reload') return {is: 'unfit', why: difference.why};
  const {changes} = difference;
  const [file] = await findChangedFiles(current.filesRead, state.ports.files);
  if (file !== undefined) return {is: 'unfit', why: `${file} has changed since HAProxy read it`};
  const returned = await findReturned(state, changes);
  if (returned !== undefined) return {is: 'unfit', why: `${returned} returns while it still has connections`};
  const {ask} = state.ports;
  const momentDoubt = await findMomentDoubt(state, current, changes);
  if (momentDoubt !== undefined) return {is: 'unfit', why: momentDoubt};
  const newChecks = countCheckedAdds(changes);
  const allChecks = (state.checkedAdds.get(current) ?? 0) + newChecks;
  const roomDoubt =
    newChecks === 0 ? undefined : await findRoomDoubt(ask, current.paths.socket, allChecks).catch(foreseenReason);
  return roomDoubt === undefined ? {is: 'fit', changes, allChecks} : {is: 'unfit', why: roomDoubt};
}

/** Why changes would end elsewhere because of what HAProxy is at right now. */
async function findMomentDoubt(
  {ports}: State,
  {paths: {socket}}: StagedGeneration,
  changes: readonly ServerChange[],
): Promise<string | undefined> {
  return (
    (await findLimitDoubt(ports.ask, socket, changes).catch(foreseenReason)) ??
    (await findWaitingDoubt(ports.ask, socket, changes).catch(foreseenReason)) ??
    (await findCheckDoubt(socket, changes, ports).catch(foreseenReason))
  );
}

async function apply(state: State, current: StagedGeneration, text: string, check?: Check): Promise<RuntimeOutcome> {
  const {ports} = state;
  const pid = current.supervisor.child?.pid;
  const found = await findChanges(state, current, text);
  if (found.is === 'unfit') return found;
  const {changes, allChecks} = found;
  const needed = (await stepByStep(keepsValidity(current.read, readAs(ports, text)))) ? undefined : check;
  // Taken back, a server that is down would be up twice until its checks fail.
  if (needed !== undefined && (await findDown(current.paths.socket, changes, ports.ask).catch(foreseenReason))) {
    if (!(await passes(needed))) return {is: 'unfit', why: 'its check refuses it'};
  }
  const [{refusal, told}, prepared] = await Promise.all([
    tell(ports, current, changes),
    settled(prepareCommit(ports, text, needed)),
  ]);
  if (prepared.is === 'fault') {
    const isBack = (await takeBack(state, current, text, told)) && current.supervisor.child?.pid === pid;
    return {is: 'invalid', why: 'it cannot be committed', fault: prepared.fault, isTakenBack: isBack};
  }
  const {proxyCfg} = prepared;
  try {
    if (refusal !== undefined) return {is: 'refused', why: `told at run time, but ${refusal}`};
    await commitText(ports, current, text, proxyCfg);
  } catch (error) {
    // It runs what no file says: neither a pass that brings the old text back nor a restart may rely on one.
    return {is: 'refused', why: `told at run time, but that cannot be written down: ${foreseenReason(error)}`};
  } finally {
    await proxyCfg.discard();
  }
  // One that died meanwhile came back with the old files.
  if (current.supervisor.child?.pid !== pid) return {is: 'refused', why: 'HAProxy died while it was told'};
  state.checkedAdds.set(current, allChecks);
  noteUsed(state, current, changes);
  noteGone(state, current, changes);
  ports.log.info({generation: current.number, changes: changes.length}, 'changed the running HAProxy');
  return {is: 'applied', why: describe(changes)};
}

const passes = (check: Check): Promise<boolean> =>
  check().then(
    () => true,
    () => false,
  );

/** Writes what is to become `proxy.cfg`, and has it checked where that is needed. Rejects with APPLY, or as `check` does. */
async function prepareCommit(
  {committedPath, files}: RuntimePorts,
  text: string,
  check: Check | undefined,
): Promise<PreparedFile> {
  const proxyCfg = await files.prepare(committedPath, text, 0o640).catch(cause => {
    throw writeFault(committedPath, cause);
  });
  try {
    await check?.();
    return proxyCfg;
  } catch (fault) {
    await proxyCfg.discard();
    throw fault;
  }
}

type Settled =
  | {readonly is: 'prepared'; readonly proxyCfg: PreparedFile}
  | {readonly is: 'fault'; readonly fault: unknown};

const settled = (preparing: Promise<PreparedFile>): Promise<Settled> =>
  preparing.then(
    proxyCfg => ({is: 'prepared', proxyCfg}),
    (fault: unknown) => ({is: 'fault', fault}),
  );

/** Spare servers that came have served from now on. */
function noteUsed(state: State, current: StagedGeneration, changes: readonly ServerChange[]): void {
  for (const change of changes) {
    if (change.do === 'enable') state.unused.get(current)?.delete(keyOf(change));
  }
}

/** Servers that went are deleted once they are idle. */
function noteGone(state: State, current: StagedGeneration, changes: readonly ServerChange[]): void {
  const gone = changes.filter(change => change.do === 'remove');
  state.removed.add(
    current,
    gone.map(({backend, before}) => ({backend, server: before.name})),
  );
  void state.removed.sweep();
}

/** Tells the way back from `text` for the servers that were told of it; whether HAProxy went it all. */
async function takeBack(
  state: State,
  current: StagedGeneration,
  text: string,
  told: readonly ServerChange[],
): Promise<boolean> {
  noteUsed(state, current, told);
  const {ports} = state;
  const servers = new Set(told.map(keyOf));
  const back = await stepByStep(
    compareTexts(readAs(ports, text), current.read, {
      ...(await state.abilities.of(current.paths.socket)),
      unused: unusedOf(state, current),
    }),
  );
  if (back.is === 'reload') return false;
  const changes = back.changes.filter(change => servers.has(keyOf(change)));
  if ((await findMomentDoubt(state, current, changes)) !== undefined) return false;
  const {refusal} = await tell(ports, current, changes);
  noteGone(state, current, changes);
  return refusal === undefined;
}

const keyOf = (change: ServerChange): string => `${change.backend}/${lineOf(change).name}`;

/** A server that is to be added while the one that had its name still finishes its connections. */
async function findReturned({removed}: State, changes: readonly ServerChange[]): Promise<string | undefined> {
  const find = () => changes.find(change => change.do === 'add' && removed.has(change.backend, change.after.name));
  if (find() === undefined) return undefined;
  await removed.sweep();
  const change = find();
  return change?.do === 'add' ? `${change.backend}/${change.after.name}` : undefined;
}

/** What HAProxy was told, as far as that went, and what it did not do of it; undefined when it did all. */
interface Told {
  readonly told: readonly ServerChange[];
  readonly refusal: string | undefined;
}

async function tell(
  {ask, clock, version}: RuntimePorts,
  {paths: {socket}}: StagedGeneration,
  changes: readonly ServerChange[],
): Promise<Told> {
  const tellAll = async (some: readonly ServerChange[]): Promise<string | undefined> => {
    let answers = '';
    for (const line of cutIntoLines(some.map(change => deriveCommands(change).join('; ')))) {
      answers += `${await ask(socket, line)}\n`;
    }
    return answers.split('\n').find(line => COMPLAINT.test(line));
  };
  const check = async (told: readonly ServerChange[], complaint: string | undefined): Promise<string | undefined> => {
    const deviation = await readBack(socket, told, {ask, clock, isRefused: complaint !== undefined});
    return deviation === undefined || complaint === undefined ? deviation : `${deviation} (HAProxy says: ${complaint})`;
  };
  const adds = changes.filter(change => change.do === 'add');
  const first = releaseOf(version) < MOVES_LATER ? [] : changes.filter(movesBeforeItComes);
  const early = new Set<ServerChange>(first);
  const others = changes.filter(change => change.do !== 'add' && !early.has(change));
  let told: readonly ServerChange[] = adds;
  const outcome = async (): Promise<string | undefined> => {
    const refusal = adds.length === 0 ? undefined : await tellAll(adds);
    if (refusal !== undefined && TAKEN.test(refusal)) return `HAProxy says: ${refusal}`;
    // Others leave for the sake of those that come.
    const missing = refusal === undefined ? undefined : await check(adds, refusal);
    if (missing !== undefined) return missing;
    told = changes;
    const unmoved = first.length === 0 ? undefined : await check(first.map(stillOut), await tellAll(first));
    if (unmoved !== undefined) return unmoved;
    const complaint = others.length === 0 ? undefined : await tellAll(others);
    return changes.length === 0 ? undefined : await check(changes, complaint ?? refusal);
  };
  const refusal = await outcome().catch(foreseenReason);
  return {told, refusal};
}

/** HAProxy 3.2 carries an address out up to 4.4 ms after its answer, 3.0 before it; 3.1 was not tried. */
const MOVES_LATER: Release = 3.1;

type Move = ServerChange & {readonly do: 'move'};

/** It is out, and comes to take requests: the first of them would be sent to where it was, and tried again there. */
const movesBeforeItComes = (change: ServerChange): change is Move =>
  change.do === 'move' && change.before.disabled && !change.after.disabled;

const stillOut = ({after: {address}, ...move}: Move): Move => ({...move, after: {...move.before, address}});

/** The text on disk, of the generation and as `proxy.cfg`, becomes what now runs. */
async function commitText(
  ports: RuntimePorts,
  current: StagedGeneration,
  text: string,
  proxyCfg: PreparedFile,
): Promise<void> {
  const {files} = ports;
  const {paths, inheritance} = current;
  const read = readAs(ports, text);
  await files.replace(paths.configuration, text, 0o600);
  await writeRewritten(files, {text, read, paths, inheritance});
  current.runsNow(text, read);
  await proxyCfg.commit();
}

/** As many commands as fit into each line. */
function cutIntoLines(commands: readonly string[]): string[] {
  const lines: string[] = [];
  for (const command of commands) {
    const last = lines.at(-1);
    const joined = `${last}; ${command}`;
    if (last === undefined || joined.length > MAX_LINE_CHARACTERS) lines.push(command);
    else lines[lines.length - 1] = joined;
  }
  return lines;
}

const VERBS = {
  move: 'moved',
  weigh: 'weighed',
  enable: 'enabled',
  disable: 'disabled',
  add: 'added',
  remove: 'removed',
};

/** `moved web/web-1; added web/web-4 and 2 more`. */
function describe(changes: readonly ServerChange[]): string {
  if (changes.length === 0) return 'nothing that HAProxy would notice changed';
  const named = changes.slice(0, MAX_NAMED).map(change => {
    const {name} = change.do === 'remove' ? change.before : change.after;
    return `${VERBS[change.do]} ${change.backend}/${name}`;
  });
  const more = changes.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
