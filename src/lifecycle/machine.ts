import {matchesGlob} from './glob.ts';
import type {Manifest, StateSpec} from './spec.ts';

/*
 * INVARIANTS
 * - One state is entered at a time; the next request starts only when the one before has finished.
 * - Every request is answered exactly once: OK when its state was entered or its work succeeded, as it asked; KO when
 *   the work failed, or the request was refused or withdrawn.
 * - Whether a request is allowed is decided when its turn comes, from the state the machine is in then.
 * - What a state has left is cancelled for the request that would be next, once that has waited for a second; for the
 *   state's own time limit; for a stop. A state with `force` is left alone by requests, and by a stop for a while.
 * - After `stop` the terminal state is entered as soon as the running one has finished; nothing leaves it.
 * - A state whose work failed has been entered all the same: the machine stays in it.
 */

export interface Request {
  readonly id: number;
  readonly tag: string;
  /** When it was made (monotonic ms). */
  readonly atMs: number;
  /** What its OK says: the state was entered (`GOTO`), or its work is done (`WAIT`). */
  readonly until: 'entered' | 'finished';
}

export type CancelReason = 'superseded' | 'timeout' | 'stop';

export interface Running {
  readonly is: 'running';
  readonly state: StateSpec;
  readonly enteredMs: number;
  /** Who is told how the work ended. */
  readonly request: Request | undefined;
  readonly queue: readonly Request[];
  /** The last reason for which it was told to end. */
  readonly cancelled: CancelReason | undefined;
  /** Since when the terminal state waits for this one. */
  readonly stopMs: number | undefined;
}

export type Machine =
  | {readonly is: 'new'}
  | Running
  | {readonly is: 'resting'; readonly tag: string}
  | {readonly is: 'ended'; readonly tag: string};

export type MachineEvent =
  | {readonly is: 'boot'}
  | {readonly is: 'requested'; readonly request: Request}
  /** The one who asked is gone with the block that its request superseded: it came from inside that block. */
  | {readonly is: 'withdrawn'; readonly id: number}
  | {readonly is: 'finished'; readonly ok: boolean}
  | {readonly is: 'stop'}
  /** Time has passed: sent when `nextDueMs` is reached. */
  | {readonly is: 'wake'};

type Answer = 'OK' | 'KO';

export type MachineEffect =
  | {readonly do: 'enter'; readonly state: StateSpec; readonly request: Request | undefined}
  /** Superseded, only its shell block ends; otherwise all that can be cancelled does. Never an apply. `by` is who is next. */
  | {readonly do: 'cancel'; readonly why: CancelReason; readonly by: Request | undefined}
  | {readonly do: 'answer'; readonly request: Request; readonly answer: Answer};

type Step = readonly [Machine, readonly MachineEffect[]];

/** docs/contract-2017.md#lifecycle: a newer request older than this kills the running script. */
export const SUPERSEDE_AFTER_MS = 1000;

/** A state with `force` gets this long to end by itself when the daemon stops. */
export const FORCE_GRACE_MS = 10_000;

/** More requests than this at once are somebody's loop. */
export const MAX_QUEUE = 1000;

export const newMachine: Machine = {is: 'new'};

/** The machine of docs/contract-2017.md#lifecycle as a pure function. Times are monotonic ms. */
export function stepMachine(machine: Machine, event: MachineEvent, nowMs: number, manifest: Manifest): Step {
  const [next, effects] = react(machine, event, nowMs, manifest);
  if (next.is !== 'running') return [next, effects];
  const due = duties(next, manifest).find(({atMs}) => atMs <= nowMs);
  if (due === undefined) return [next, effects];
  return [{...next, cancelled: due.why}, [...effects, {do: 'cancel', why: due.why, by: due.by}]];
}

/** When a `wake` has something to do, or undefined. */
export function nextDueMs(machine: Machine, manifest: Manifest): number | undefined {
  const due = machine.is === 'running' ? duties(machine, manifest).map(({atMs}) => atMs) : [];
  return due.length === 0 ? undefined : Math.min(...due);
}

/** What will cancel the running state and when, the weightiest first. */
function duties(
  {state, enteredMs, queue, cancelled, stopMs}: Running,
  manifest: Manifest,
): {why: CancelReason; atMs: number; by: Request | undefined}[] {
  if (cancelled === 'stop') return [];
  if (stopMs !== undefined) return [{why: 'stop', atMs: stopMs + (state.force ? FORCE_GRACE_MS : 0), by: undefined}];
  if (cancelled !== undefined) return [];
  const {timeoutMs} = state;
  const next = state.force ? undefined : queue.find(asked => isAllowed(manifest, state.tag, asked.tag));
  return [
    ...(timeoutMs === undefined ? [] : [{why: 'timeout' as const, atMs: enteredMs + timeoutMs, by: undefined}]),
    ...(next === undefined ? [] : [{why: 'superseded' as const, atMs: next.atMs + SUPERSEDE_AFTER_MS, by: next}]),
  ];
}

function react(machine: Machine, event: MachineEvent, nowMs: number, manifest: Manifest): Step {
  switch (event.is) {
    case 'boot':
      return machine.is === 'new' ? enter(manifest, manifest.initial, nowMs) : [machine, []];
    case 'requested':
      return request(machine, event.request, nowMs, manifest);
    case 'withdrawn':
      return machine.is === 'running' ? withdraw(machine, event.id) : [machine, []];
    case 'finished':
      return machine.is === 'running' ? finish(machine, event.ok, nowMs, manifest) : [machine, []];
    case 'stop':
      return stop(machine, nowMs, manifest);
    case 'wake':
      return [machine, []];
  }
}

function request(machine: Machine, asked: Request, nowMs: number, manifest: Manifest): Step {
  switch (machine.is) {
    case 'resting':
      return takeNext(machine.tag, [asked], nowMs, manifest);
    case 'running':
      if (isClosing(machine, manifest) || machine.queue.length >= MAX_QUEUE) return [machine, [refuse(asked)]];
      return [{...machine, queue: [...machine.queue, asked]}, []];
    case 'new':
    case 'ended':
      return [machine, [refuse(asked)]];
  }
}

const isClosing = ({state, stopMs}: Running, manifest: Manifest): boolean =>
  stopMs !== undefined || state.tag === manifest.terminal;

function withdraw(machine: Running, id: number): Step {
  const gone = machine.queue.filter(asked => asked.id === id);
  return [{...machine, queue: machine.queue.filter(asked => asked.id !== id)}, gone.map(refuse)];
}

function finish(machine: Running, ok: boolean, nowMs: number, manifest: Manifest): Step {
  const {tag} = machine.state;
  const told = machine.request?.until === 'finished' ? [answer(machine.request, ok ? 'OK' : 'KO')] : [];
  const [next, effects]: Step =
    tag === manifest.terminal
      ? [{is: 'ended', tag}, machine.queue.map(refuse)]
      : machine.stopMs !== undefined
        ? enter(manifest, manifest.terminal, nowMs)
        : takeNext(tag, machine.queue, nowMs, manifest);
  return [next, [...told, ...effects]];
}

function stop(machine: Machine, nowMs: number, manifest: Manifest): Step {
  switch (machine.is) {
    case 'new':
    case 'resting':
      return enter(manifest, manifest.terminal, nowMs);
    case 'running':
      if (isClosing(machine, manifest)) return [machine, []];
      return [{...machine, queue: [], stopMs: nowMs}, machine.queue.map(refuse)];
    case 'ended':
      return [machine, []];
  }
}

/** Enters the first request that is allowed from `tag`, refusing those before it. */
function takeNext(tag: string, queue: readonly Request[], nowMs: number, manifest: Manifest): Step {
  const index = queue.findIndex(asked => isAllowed(manifest, tag, asked.tag));
  const asked = queue[index];
  if (asked === undefined) return [{is: 'resting', tag}, queue.map(refuse)];
  const rest = queue.slice(index + 1);
  const isLast = asked.tag === manifest.terminal;
  const [next, effects] = enter(manifest, asked.tag, nowMs, asked, isLast ? [] : rest);
  return [next, [...queue.slice(0, index).map(refuse), ...(isLast ? rest.map(refuse) : []), ...effects]];
}

const NO_STATE = {steps: [], next: [], force: false, timeoutMs: undefined};

function enter(manifest: Manifest, tag: string, nowMs: number, asked?: Request, queue: readonly Request[] = []): Step {
  const state = manifest.states.get(tag) ?? {...NO_STATE, tag};
  const entered: Running = {
    is: 'running',
    state,
    enteredMs: nowMs,
    request: asked,
    queue,
    cancelled: undefined,
    stopMs: undefined,
  };
  const told = asked?.until === 'entered' ? [answer(asked, 'OK')] : [];
  return [entered, [{do: 'enter', state, request: asked}, ...told]];
}

const answer = (asked: Request, text: Answer): MachineEffect => ({do: 'answer', request: asked, answer: text});
const refuse = (asked: Request): MachineEffect => answer(asked, 'KO');

/** Whether a request may lead from one state to another: a glob of `next` matches, or the target is terminal. */
export function isAllowed(manifest: Manifest, from: string, to: string): boolean {
  if (from === manifest.terminal || !manifest.states.has(to)) return false;
  if (to === manifest.terminal) return true;
  return manifest.states.get(from)?.next.some(glob => matchesGlob(glob, to)) ?? false;
}

/** More names than these are no help. */
const MAX_NAMED_STATES = 20;

/** Why a request for `tag` was refused, and where it may lead instead. `before` is what it was asked of, or waited in. */
export function describeRefusal(before: Machine, after: Machine, tag: string, manifest: Manifest): string {
  const from = tagOf(before);
  const refusal = `cannot go from ${from} to ${tag}`;
  if (after.is === 'ended' || (after.is === 'running' && isClosing(after, manifest)))
    return `${refusal}: the daemon stops`;
  if (before.is === 'new') return `${refusal}: the daemon is not that far`;
  if (isAllowed(manifest, from, tag)) return `${refusal}: it was withdrawn, or too many requests wait`;
  const allowed = [...manifest.states.keys()].filter(to => isAllowed(manifest, from, to));
  const named = allowed.length > MAX_NAMED_STATES ? [...allowed.slice(0, MAX_NAMED_STATES), '...'] : allowed;
  const why = manifest.states.has(tag) ? 'not allowed' : 'there is no such state';
  return `${refusal}: ${why}; from ${from} it may go to ${named.join(', ')}`;
}

export function tagOf(machine: Machine): string {
  switch (machine.is) {
    case 'new':
      return 'new';
    case 'running':
      return machine.state.tag;
    case 'resting':
    case 'ended':
      return machine.tag;
  }
}
