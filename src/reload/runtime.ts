import {foreseenReason} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {compareTexts, type Difference, keepsValidity, type ServerChange} from '../proxy/difference.ts';
import {deriveCommands} from '../proxy/server-commands.ts';
import {findSpares} from '../proxy/spare-servers.ts';
import type {Version} from '../proxy/version.ts';
import {type Abilities, createAbilities} from './abilities.ts';
import type {Candidate} from './candidate.ts';
import {countCheckedAdds, findRoomDoubt} from './check-room.ts';
import {findChangedFiles} from './files-read.ts';
import {type StagedGeneration, writeRewritten} from './generation.ts';
import {findCheckDoubt, readBack} from './read-back.ts';
import {createRemovedServers, type RemovedServers} from './removed-servers.ts';

/**
 * How a candidate fared with the running HAProxy: `applied`, and both it and its files say so; `unfit`, nothing was
 * sent; `refused`, something was, and what it runs is neither text.
 */
export type RuntimeOutcome = {readonly is: 'applied' | 'unfit' | 'refused'; readonly why: string};

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

/** Changes of servers in the HAProxy that runs. */
export interface Runtime {
  /** Nothing but addresses, ports, weights and states of its servers differ: a text that is as valid as its own. */
  isSafe(current: StagedGeneration, text: string): Promise<boolean>;
  apply(current: StagedGeneration, candidate: Candidate): Promise<RuntimeOutcome>;
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
    lastCompared: undefined,
  };
  return {
    async isSafe(current, text) {
      const difference = await compare(state, current, text);
      return difference.is === 'runtime' && keepsValidity(difference.changes);
    },
    apply: (current, candidate) => apply(state, current, candidate),
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
    compareTexts(before, after, {...(await abilities.of(paths.socket)), unused: unusedOf(state, current)}),
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
  const checkDoubt = await findCheckDoubt(current.paths.socket, changes, state.ports).catch(foreseenReason);
  if (checkDoubt !== undefined) return {is: 'unfit', why: checkDoubt};
  const newChecks = countCheckedAdds(changes);
  const allChecks = (state.checkedAdds.get(current) ?? 0) + newChecks;
  const roomDoubt =
    newChecks === 0 ? undefined : await findRoomDoubt(ask, current.paths.socket, allChecks).catch(foreseenReason);
  return roomDoubt === undefined ? {is: 'fit', changes, allChecks} : {is: 'unfit', why: roomDoubt};
}

async function apply(state: State, current: StagedGeneration, candidate: Candidate): Promise<RuntimeOutcome> {
  const pid = current.supervisor.child?.pid;
  const found = await findChanges(state, current, candidate.text);
  if (found.is === 'unfit') return found;
  const {changes, allChecks} = found;
  const refusal = changes.length === 0 ? undefined : await tell(state.ports, current, changes);
  if (refusal !== undefined) return {is: 'refused', why: `told at run time, but ${refusal}`};
  try {
    await commitText(state.ports, current, candidate.text);
  } catch (error) {
    // It runs what no file says: neither a pass that brings the old text back nor a restart may rely on one.
    return {is: 'refused', why: `told at run time, but that cannot be written down: ${foreseenReason(error)}`};
  }
  // One that died meanwhile came back with the old files.
  if (current.supervisor.child?.pid !== pid) return {is: 'refused', why: 'HAProxy died while it was told'};
  const gone = changes.flatMap(change =>
    change.do === 'remove' ? [{backend: change.backend, server: change.before.name}] : [],
  );
  state.checkedAdds.set(current, allChecks);
  for (const change of changes) {
    if (change.do === 'enable') state.unused.get(current)?.delete(`${change.backend}/${change.after.name}`);
  }
  state.removed.add(current, gone);
  void state.removed.sweep();
  state.ports.log.info({generation: current.number, changes: changes.length}, 'changed the running HAProxy');
  return {is: 'applied', why: describe(changes)};
}

/** A server that is to be added while the one that had its name still finishes its connections. */
async function findReturned({removed}: State, changes: readonly ServerChange[]): Promise<string | undefined> {
  const find = () => changes.find(change => change.do === 'add' && removed.has(change.backend, change.after.name));
  if (find() === undefined) return undefined;
  await removed.sweep();
  const change = find();
  return change?.do === 'add' ? `${change.backend}/${change.after.name}` : undefined;
}

/** Resolves with what it did not do as told, undefined when it did all. */
async function tell(
  {ask, clock}: RuntimePorts,
  {paths: {socket}}: StagedGeneration,
  changes: readonly ServerChange[],
): Promise<string | undefined> {
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
  const others = changes.filter(change => change.do !== 'add');
  try {
    const refusal = adds.length === 0 ? undefined : await tellAll(adds);
    if (refusal !== undefined && TAKEN.test(refusal)) return `HAProxy says: ${refusal}`;
    // Others leave for the sake of those that come.
    const missing = refusal === undefined ? undefined : await check(adds, refusal);
    if (missing !== undefined) return missing;
    const complaint = others.length === 0 ? undefined : await tellAll(others);
    return await check(changes, complaint ?? refusal);
  } catch (error) {
    return foreseenReason(error);
  }
}

/** The text on disk, of the generation and as `proxy.cfg`, becomes what now runs. */
async function commitText(ports: RuntimePorts, current: StagedGeneration, text: string): Promise<void> {
  const {committedPath, files} = ports;
  const {paths, inheritance} = current;
  const read = readAs(ports, text);
  const proxyCfg = await files.prepare(committedPath, text, 0o640);
  try {
    await files.replace(paths.configuration, text, 0o600);
    await writeRewritten(files, {text, read, paths, inheritance});
    current.runsNow(text, read);
    await proxyCfg.commit();
  } finally {
    await proxyCfg.discard();
  }
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
