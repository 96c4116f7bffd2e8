import type {Manifest, StateSpec} from './manifest.ts';

/*
 * INVARIANTS
 * - One state is entered at a time; the next request starts only when the one before has finished.
 * - Every request is answered exactly once: OK when its state's work succeeded, KO when it failed or was refused.
 * - Whether a request is allowed is decided when its turn comes, from the state the machine is in then.
 * - After `stop` the terminal state is entered as soon as the running one has finished; nothing leaves it.
 * - A state whose work failed has been entered all the same: the machine stays in it.
 */

export interface Request {
  readonly id: number;
  readonly tag: string;
}

export type Machine =
  | {readonly is: 'new'}
  | {
      readonly is: 'running';
      readonly tag: string;
      readonly request: Request | undefined;
      readonly queue: readonly Request[];
      readonly stopping: boolean;
    }
  | {readonly is: 'resting'; readonly tag: string}
  | {readonly is: 'ended'; readonly tag: string};

export type MachineEvent =
  | {readonly is: 'boot'}
  | {readonly is: 'requested'; readonly request: Request}
  | {readonly is: 'finished'; readonly ok: boolean}
  | {readonly is: 'stop'};

export type Answer = 'OK' | 'KO';

export type MachineEffect =
  | {readonly do: 'enter'; readonly state: StateSpec; readonly request: Request | undefined}
  /** Cancel what the running state can have cancelled: its shell block, never an apply. */
  | {readonly do: 'cancel'}
  | {readonly do: 'answer'; readonly request: Request; readonly answer: Answer};

type Step = readonly [Machine, readonly MachineEffect[]];

export const newMachine: Machine = {is: 'new'};

/** The machine of CONTRACT ("lifecycle.yml and the control socket") as a pure function. */
export function stepMachine(machine: Machine, event: MachineEvent, manifest: Manifest): Step {
  switch (event.is) {
    case 'boot':
      return machine.is === 'new' ? enter(manifest, manifest.initial, undefined, [], false) : [machine, []];
    case 'requested':
      return request(machine, event.request, manifest);
    case 'finished':
      return machine.is === 'running' ? finish(machine, event.ok, manifest) : [machine, []];
    case 'stop':
      return stop(machine, manifest);
  }
}

function request(machine: Machine, asked: Request, manifest: Manifest): Step {
  switch (machine.is) {
    case 'resting':
      return takeNext(machine.tag, [asked], manifest);
    case 'running':
      return machine.stopping ? [machine, [refuse(asked)]] : [{...machine, queue: [...machine.queue, asked]}, []];
    case 'new':
    case 'ended':
      return [machine, [refuse(asked)]];
  }
}

function finish(machine: Machine & {is: 'running'}, ok: boolean, manifest: Manifest): Step {
  const answers = machine.request === undefined ? [] : [answer(machine.request, ok ? 'OK' : 'KO')];
  const [next, effects] =
    machine.tag === manifest.terminal
      ? ended(machine.tag, machine.queue)
      : machine.stopping
        ? enter(manifest, manifest.terminal, undefined, [], true)
        : takeNext(machine.tag, machine.queue, manifest);
  return [next, [...answers, ...effects]];
}

function stop(machine: Machine, manifest: Manifest): Step {
  switch (machine.is) {
    case 'new':
    case 'resting':
      return enter(manifest, manifest.terminal, undefined, [], true);
    case 'running':
      if (machine.stopping || machine.tag === manifest.terminal) return [machine, []];
      return [{...machine, queue: [], stopping: true}, [...machine.queue.map(refuse), {do: 'cancel'}]];
    case 'ended':
      return [machine, []];
  }
}

/** Enters the first request that is allowed from `tag`, refusing those before it. */
function takeNext(tag: string, queue: readonly Request[], manifest: Manifest): Step {
  const index = queue.findIndex(asked => isAllowed(manifest, tag, asked.tag));
  if (index === -1) return [{is: 'resting', tag}, queue.map(refuse)];
  const asked = queue[index];
  const [next, effects] = enter(manifest, asked?.tag ?? tag, asked, queue.slice(index + 1), false);
  return [next, [...queue.slice(0, index).map(refuse), ...effects]];
}

function enter(
  manifest: Manifest,
  tag: string,
  asked: Request | undefined,
  queue: readonly Request[],
  stopping: boolean,
): Step {
  const state = manifest.states.get(tag) ?? {tag, run: [], shell: undefined, next: [], force: false};
  return [{is: 'running', tag, request: asked, queue, stopping}, [{do: 'enter', state, request: asked}]];
}

const ended = (tag: string, queue: readonly Request[]): Step => [{is: 'ended', tag}, queue.map(refuse)];
const answer = (asked: Request, text: Answer): MachineEffect => ({do: 'answer', request: asked, answer: text});
const refuse = (asked: Request): MachineEffect => answer(asked, 'KO');

/** Whether a request may lead from one state to another: a glob of `next` matches, or the target is terminal. */
export function isAllowed(manifest: Manifest, from: string, to: string): boolean {
  if (from === manifest.terminal || !manifest.states.has(to)) return false;
  if (to === manifest.terminal) return true;
  return manifest.states.get(from)?.next.some(glob => matchesGlob(glob, to)) ?? false;
}

/** `*` any run, `?` any one character, `[…]` a set (`[!…]` its complement), as Python's fnmatch. */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = glob.replace(
    /\[(!?)([^\]]+)\]|[\s\S]/g,
    (part, negated: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${negated ? '^' : ''}${set.replace(/[\\^\]]/g, '\\$&')}]`;
      if (part === '*') return '[\\s\\S]*';
      if (part === '?') return '[\\s\\S]';
      return part.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
    },
  );
  return new RegExp(`^${pattern}$`).test(text);
}

export const tagOf = (machine: Machine): string => (machine.is === 'new' ? 'new' : machine.tag);
