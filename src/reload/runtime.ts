import {reasonOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {compareTexts, type Difference, keepsValidity, type ServerChange} from '../proxy/difference.ts';
import {deriveCommands, deriveDelete} from '../proxy/server-commands.ts';
import type {Version} from '../proxy/version.ts';
import type {Candidate} from './candidate.ts';
import {isAtLeast} from './capabilities.ts';
import type {StagedGeneration} from './generation.ts';
import {readBack} from './read-back.ts';

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
}

/** Changes of servers in the HAProxy that runs. */
export interface Runtime {
  /** Nothing but addresses, ports, weights and states of its servers differ: a text that is as valid as its own. */
  isSafe(current: StagedGeneration, text: string): Promise<boolean>;
  apply(current: StagedGeneration, candidate: Candidate): Promise<RuntimeOutcome>;
}

/** HAProxy 1.7 reads a command line of up to 16 KiB. */
const MAX_LINE_CHARACTERS = 8000;

/** How often a removed server is tried to be deleted: its connections finish first. */
const DELETE_RETRY_MS = 2000;

const MAX_NAMED = 3;

export function openRuntime(ports: RuntimePorts): Runtime {
  const {ask, clock, committedPath, files, log, version} = ports;
  const abilities = {addsServers: isAtLeast(version, 2, 6)};
  /** Servers that were removed and still have connections, of the generation that serves; in maintenance. */
  let leaving = new Map<string, {readonly generation: StagedGeneration; readonly command: string}>();

  const keyOf = (backend: string, server: string) => `${backend}/${server}`;

  /** Deletes what has no connections any more. */
  const sweep = async (): Promise<void> => {
    for (const [key, {generation, command}] of [...leaving]) {
      const isServing = generation.supervisor.job.is === 'RUNNING';
      const answer = isServing ? await ask(generation.paths.socket, command).catch(reasonOf) : 'No such server.';
      if (/deleted|No such server/i.test(answer)) leaving.delete(key);
    }
  };

  let isSweepDue = false;
  const sweepLater = (): void => {
    if (isSweepDue || leaving.size === 0) return;
    isSweepDue = true;
    clock.after(DELETE_RETRY_MS, () => {
      isSweepDue = false;
      void sweep().then(sweepLater);
    });
  };

  const send = async (socket: string, changes: readonly ServerChange[]): Promise<string> => {
    let answers = '';
    for (const line of cutIntoLines(changes.map(change => deriveCommands(change).join('; ')))) {
      answers += `${await ask(socket, line)}\n`;
    }
    return answers;
  };

  const tell = async (current: StagedGeneration, changes: readonly ServerChange[]): Promise<string | undefined> => {
    const {socket} = current.paths;
    try {
      const answers = await send(socket, changes);
      const deviation = await readBack(socket, changes, ask);
      if (deviation === undefined) return undefined;
      const said = answers.split('\n').find(line => /must|can(no|')t|fail|invalid|unknown|no such/i.test(line));
      return `${deviation}${said === undefined ? '' : ` (HAProxy says: ${said})`}`;
    } catch (error) {
      return reasonOf(error);
    }
  };

  /** The text on disk, of the generation and as `proxy.cfg`, becomes what now runs. */
  const settle = async (current: StagedGeneration, {text}: Candidate): Promise<void> => {
    const {paths, inheritance} = current;
    const proxyCfg = await files.prepare(committedPath, text, 0o640);
    try {
      await files.replace(paths.configuration, text, 0o600);
      if (inheritance.sockets.length > 0) await files.replace(paths.inheriting, inheritance.rewrite(text), 0o600);
      current.runsNow(text);
      await proxyCfg.commit();
    } finally {
      await proxyCfg.discard();
    }
  };

  /** What was compared last: a pass asks whether its text is safe, and then has it applied. */
  let last: {readonly before: string; readonly after: string; readonly difference: Difference} | undefined;
  const compare = async (before: string, after: string): Promise<Difference> => {
    if (last?.before !== before || last.after !== after) {
      last = {before, after, difference: await stepByStep(compareTexts(before, after, abilities))};
    }
    return last.difference;
  };

  return {
    async isSafe(current, text) {
      const difference = await compare(current.text, text);
      return difference.is === 'runtime' && keepsValidity(difference.changes);
    },
    async apply(current, candidate) {
      if (current.supervisor.job.is !== 'RUNNING') return {is: 'unfit', why: 'HAProxy is not running'};
      const pid = current.supervisor.child?.pid;
      const difference = await compare(current.text, candidate.text);
      last = undefined;
      if (difference.is === 'reload') return {is: 'unfit', why: difference.why};
      const {changes} = difference;
      if (changes.some(change => change.do === 'add' && leaving.has(keyOf(change.backend, change.after.name)))) {
        await sweep();
        const back = changes.find(one => one.do === 'add' && leaving.has(keyOf(one.backend, one.after.name)));
        if (back?.do === 'add') {
          return {is: 'unfit', why: `${back.backend}/${back.after.name} returns while it still has connections`};
        }
      }
      const refusal = changes.length === 0 ? undefined : await tell(current, changes);
      if (refusal !== undefined) return {is: 'refused', why: `told at run time, but ${refusal}`};
      try {
        await settle(current, candidate);
      } catch (error) {
        // It runs what no file says: neither a pass that brings the old text back nor a restart may rely on one.
        return {is: 'refused', why: `told at run time, but that cannot be written down: ${reasonOf(error)}`};
      }
      // One that died meanwhile came back with the old files.
      if (current.supervisor.child?.pid !== pid) return {is: 'refused', why: 'HAProxy died while it was told'};
      leaving = new Map([...leaving].filter(([, {generation}]) => generation === current));
      for (const change of changes.filter(one => one.do === 'remove')) {
        const {backend, before} = change;
        leaving.set(keyOf(backend, before.name), {generation: current, command: deriveDelete(backend, before.name)});
      }
      if (leaving.size > 0) void sweep().then(sweepLater);
      log.info({generation: current.number, changes: changes.length}, 'changed the running HAProxy');
      return {is: 'applied', why: describe(changes)};
    },
  };
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
