import {DaemonError, foreseenReason, isStartRefusal, reasonOf, rethrowBug} from '../errors.ts';
import {within} from '../ports/clock.ts';
import type {Applied, ApplyOptions, Candidate, Foreseen, Unstaged} from './candidate.ts';
import {pathsOf} from './files.ts';
import {createGeneration, type Given, type StagedGeneration, writeRewritten} from './generation.ts';
import {type GenerationsState, generationPortsOf, readAs, writeRecords} from './generations-state.ts';
import type {Hang} from './liveness.ts';
import type {ReloadPlan} from './plan.ts';
import type {RuntimeOutcome} from './runtime.ts';
import {stageGeneration} from './stage.ts';
import {carryServerState, emptyStateFile} from './state-file.ts';
import {type TookOver, takeOver} from './take-over.ts';

/*
 * INVARIANTS
 * - `proxy.cfg` is the text of the generation that serves: it is renamed into place when the new generation is ready
 *   and before the old one is told to go, or when the running one has shown that it took the change and its check has
 *   passed it. A failure on the way there leaves text and proxy as they were, or brings the proxy back.
 * - The files of the generation that serves say what it runs, so that a HAProxy that dies is restarted on the same.
 */

/** Writes a candidate's files under the next number. Rejects with APPLY on a full disk. */
export async function stage(state: GenerationsState, text: string): Promise<Candidate> {
  const number = Math.max(state.last, state.lastStaged) + 1;
  state.lastStaged = number;
  try {
    return await stageGeneration(number, text, {...state.ports, run: state.run});
  } catch (error) {
    giveBack(state, number);
    throw error;
  }
}

export async function discard(state: GenerationsState, {generation}: Candidate): Promise<void> {
  await state.run.forget(generation);
  giveBack(state, generation);
}

/** Never started, so its number is free again: what is refused time and again is refused in the same words. */
function giveBack(state: GenerationsState, number: number): void {
  if (number === state.lastStaged) state.lastStaged -= 1;
}

/** Has a candidate served: over the runtime socket where that will do, otherwise by a new generation. */
export async function apply(
  state: GenerationsState,
  wanted: Candidate | Unstaged,
  {check, because, signal}: ApplyOptions,
): Promise<Applied> {
  const files = createStaging(state, wanted);
  let checking: Promise<unknown> | undefined;
  const checkOnce = check && (() => (checking ??= files.staged().then(check)));
  const outcome: RuntimeOutcome =
    because === undefined ? await applyAtRunTime(state, wanted.text, checkOnce) : {is: 'unfit', why: because};
  const {current} = state.generations;
  if (outcome.is === 'invalid') {
    await files.discard();
    const {fault, isTakenBack} = outcome;
    if (!signal?.aborted) {
      state.ports.log.warn({isTakenBack, reason: reasonOf(fault)}, 'a change failed that HAProxy was told of already');
    }
    if (!isTakenBack) await restore(state, signal);
    throw fault;
  }
  if (outcome.is === 'applied' && current !== undefined) {
    await files.discard();
    return {generation: current.number, way: 'runtime', why: outcome.why};
  }
  if (outcome.is === 'refused') state.textIs = 'half-told';
  try {
    await checkOnce?.();
  } catch (error) {
    await files.discard();
    throw error;
  }
  return await reload(state, await files.staged(), outcome.why, signal);
}

/** The files of a candidate, written when they are asked for where they are not there yet. */
function createStaging(state: GenerationsState, wanted: Candidate | Unstaged) {
  let staging = 'files' in wanted ? Promise.resolve(wanted) : undefined;
  return {
    staged: (): Promise<Candidate> => (staging ??= stage(state, wanted.text)),
    async discard(): Promise<void> {
      const staged = await staging?.catch(() => undefined);
      if (staged !== undefined) await discard(state, staged);
    },
  };
}

/** Where HAProxy took what its check refuses, and does not take it back: another one is started on the text before. */
async function restore(state: GenerationsState, signal: AbortSignal | undefined): Promise<void> {
  const {generations, ports} = state;
  state.textIs = 'half-told';
  const text = generations.current?.text;
  if (text === undefined || signal?.aborted) return;
  try {
    await reload(state, await stage(state, text), 'HAProxy was told what its check refused', signal);
  } catch (error) {
    ports.log.error(
      {reason: foreseenReason(error)},
      'HAProxy cannot be brought back to its last good configuration: the next pass tries it again',
    );
  }
}

/** How a text would come to serve now. Changes nothing. */
export async function foresee(state: GenerationsState, text: string): Promise<Foreseen> {
  const {current} = state.generations;
  if (current === undefined) return {way: 'start', why: NOTHING_SERVED};
  const doubt = findDoubt(state);
  if (doubt !== undefined) return {way: 'reload', why: doubt};
  if (current.text === text) return {way: 'unchanged', why: 'the text came out equal'};
  const {is, why} = await state.runtime.foresee(current, text);
  return {way: is === 'fit' ? 'runtime' : 'reload', why};
}

const NOTHING_SERVED = 'nothing served';

async function applyAtRunTime(
  state: GenerationsState,
  text: string,
  check: (() => Promise<unknown>) | undefined,
): Promise<RuntimeOutcome> {
  const {current} = state.generations;
  const doubt = current === undefined ? NOTHING_SERVED : findDoubt(state);
  if (current === undefined || doubt !== undefined) return {is: 'unfit', why: doubt ?? NOTHING_SERVED};
  return state.runtime.apply(current, text, check);
}

/** Why nobody can say what the running HAProxy would have to be told. */
function findDoubt({textIs}: GenerationsState): string | undefined {
  switch (textIs) {
    case 'adopted':
      return 'an earlier daemon started what serves';
    case 'doubted':
      return 'what serves was seen to differ from its text';
    case 'half-told':
      return 'what serves took only some of the last changes';
    case 'known':
      return undefined;
  }
}

/** A new generation takes over; `because` says why the running one could not just be told. */
async function reload(
  state: GenerationsState,
  candidate: Candidate,
  because: string,
  signal: AbortSignal | undefined,
): Promise<Applied> {
  const {generations, ownedSockets, planner, run} = state;
  const {text, generation: number} = candidate;
  const hangs = await endHung(state, signal);
  const former = generations.current;
  const old = generations.listening();
  const {plan, inheritance} = await planner.plan(text, old, {runTheirText: state.textIs !== 'adopted'});
  const paths = pathsOf(state.ports.dataFolder, number);
  const given = {number, text, read: readAs(state, text), paths, inheritance};
  await state.ports.followers?.follow(old);
  const {generation, isAsPlanned, ended} = await startSpared(state, given, old, plan, signal).catch(error => {
    state.ports.followers?.letGo(old);
    throw error;
  });
  // One that had died for good has no process whose end would remove its files.
  if (former !== undefined && !generations.has(former)) await run.forget(former.number);
  if (isAsPlanned) state.gateRefusals = 0;
  state.textIs = 'known';
  ownedSockets.keepOnly(inheritance.sockets);
  await run.link(generation);
  await writeRecords(state);
  if (old.length === 0) return {generation: number, way: 'start', why: 'no generation served before'};
  const why = [
    because,
    isAsPlanned ? plan.why : 'iptables refused the SYN gate, see the log',
    ...hangs.map(({pid, silentMs}) => `HAProxy (PID ${pid}) answered nothing for ${silentMs} ms and was ended before`),
    ...ended.map(pid => `the old HAProxy (PID ${pid}) still listened when it was told to finish and was ended`),
  ];
  return {generation: number, way: isAsPlanned ? plan.way : 'plain', why: why.join('; ')};
}

/**
 * Starts it without spare servers where it refuses to start with them: a check has passed the text without. Where it
 * refuses both, they are not to blame (a port that somebody has).
 */
async function startSpared(
  state: GenerationsState,
  given: Given,
  ...how: [old: readonly StagedGeneration[], plan: ReloadPlan, signal: AbortSignal | undefined]
): Promise<TookOver & {readonly generation: StagedGeneration}> {
  const begin = async (one: Given) => {
    const generation = createGeneration(one, generationPortsOf(state));
    return {...(await start(state, generation, ...how)), generation};
  };
  try {
    return await begin(given);
  } catch (fault) {
    if (given.read === given.text || !isStartRefusal(fault)) throw fault;
    await stageGeneration(given.number, given.text, {...state.ports, run: state.run});
    const started = await begin({...given, read: given.text});
    state.sparesRefused = true;
    state.ports.log.warn({reason: reasonOf(fault)}, 'HAProxy does not start with spare servers: it gets none any more');
    return started;
  }
}

/** What hangs cannot hand over its listeners, and cannot let go of them: it is ended before a new one takes them. */
async function endHung(
  {generations, liveness, ports: {clock, readyWithinMs}}: GenerationsState,
  signal: AbortSignal | undefined,
): Promise<Hang[]> {
  const {current} = generations;
  const hangs = await Promise.all(generations.listening().map(one => liveness.check(one, one === current)));
  if (hangs.some(hang => hang?.generation === current?.number)) {
    const back = current?.supervisor.reached(({is}) => is === 'RUNNING' || is === 'FATAL' || is === 'STOPPED');
    if (back !== undefined) await within(clock, readyWithinMs, back, signal);
    signal?.throwIfAborted();
  }
  return hangs.filter(hang => hang !== undefined);
}

/** Has it take over from the old ones. Rejects with APPLY, all as before. */
async function start(
  state: GenerationsState,
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  signal: AbortSignal | undefined,
): Promise<TookOver> {
  const {ports, committedPath, generations, ownedSockets, run} = state;
  const {number} = generation;
  const letGo = () => ownedSockets.keepOnly(generations.current?.inheritance.sockets ?? []);
  try {
    await writeRewritten(ports.files, generation);
    await carryServerState(generation, old.at(-1), ports);
    if (!plan.parallel) ownedSockets.keepOnly([]);
    const {promote, retire} = generations;
    const mayGoUngated = () => ++state.gateRefusals > 1;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => emptyStateFile(generation, ports));
    return await takeOver(generation, old, plan, {
      ...ports,
      committedPath,
      letGo,
      promote,
      retire,
      mayGoUngated,
      signal,
    });
  } catch (error) {
    if (generation !== generations.current) {
      if (!generations.has(generation)) await run.forget(number);
      letGo();
    }
    rethrowBug(error);
    if (error instanceof DaemonError) throw error;
    throw new DaemonError('APPLY', `cannot apply generation ${number}: ${reasonOf(error)}`, {cause: error});
  }
}
