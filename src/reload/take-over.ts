import {isSystemFault} from '../errors.ts';
import type {Firewall, Gate} from '../firewall/gate.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files, PreparedFile} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {writeFault} from '../ports/write-fault.ts';
import {type StillListen, untilClosed, watchListeners} from './closing-listeners.ts';
import {START_BESIDE} from './files.ts';
import {END, hasProcess, type StagedGeneration, TERMINATE} from './generation.ts';
import type {GenerationSet} from './generation-set.ts';
import {type HasPendingHandshakes, settle} from './pending-handshakes.ts';
import type {ReloadPlan} from './plan.ts';
import {checkServing} from './serving-check.ts';

export interface TakeOverPorts {
  readonly clock: Clock;
  readonly files: Files;
  readonly firewall: Firewall;
  readonly log: Log;
  readonly processes: ProcessTable;
  readonly hasPendingHandshakes: HasPendingHandshakes;
  readonly ask: (socket: string, command: string) => Promise<string>;
  readonly settleMs: number;
  /** `proxy.cfg`. */
  readonly committedPath: string;
  /** From here on the new generation is the one that serves and is restarted when it dies. */
  readonly promote: (generation: StagedGeneration) => void;
  /** Closes what of the daemon's sockets nobody is to listen on but a generation that did not start. */
  readonly letGo: () => void;
  readonly retire: GenerationSet['retire'];
  /** The gate was refused the last time too: reload without it rather than never. */
  readonly mayGoUngated: () => boolean;
  /** Ends the start. */
  readonly signal: AbortSignal | undefined;
}

/** How a new generation came to serve. */
export interface TookOver {
  /** The gate was shut where it was planned. */
  readonly isAsPlanned: boolean;
  /** The PIDs of old ones that still listened 1 s after they were told to finish, and were ended. */
  readonly ended: readonly number[];
}

/**
 * Starts `generation` and lets it take over from `old` as planned. The text becomes `proxy.cfg` (by a rename of what
 * is synced before anything is started, so that a full disk is noticed while it harms nobody) once the new generation
 * is ready and has shown that it serves. Rejects with the old ones serving as before.
 */
export async function takeOver(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  ports: TakeOverPorts,
): Promise<TookOver> {
  const prepared = await prepareText(generation.text, ports);
  try {
    return await (plan.parallel ? inParallel : bySignal)(generation, old, plan, prepared, ports);
  } finally {
    await prepared.discard();
  }
}

async function prepareText(text: string, {files, committedPath}: TakeOverPorts): Promise<PreparedFile> {
  const told = (cause: unknown): never => {
    throw isSystemFault(cause) ? writeFault(committedPath, cause) : cause;
  };
  const prepared = await files.prepare(committedPath, text, 0o640).catch(told);
  return {...prepared, commit: () => prepared.commit().catch(told)};
}

/** Both listen for a moment. Commit before the old one is told anything: until then all can be taken back. */
async function inParallel(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  prepared: PreparedFile,
  ports: TakeOverPorts,
): Promise<TookOver> {
  await using undo = new AsyncDisposableStack();
  undo.defer(() => abandon(generation, ports));
  await startBeside(generation, old, plan, ports);
  await checkServing(generation, ports);
  const stillListen = await watchListeners(pidsOf(old), ports);
  await using gate = await shutGate(plan, ports);
  await Promise.all([prepared.commit(), gate && settle(plan.gatedPorts, ports.settleMs, ports)]);
  undo.move();
  ports.promote(generation);
  return {isAsPlanned: isAsPlanned(gate, plan), ended: await retireAll(old, stillListen, ports)};
}

async function startBeside(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  ports: TakeOverPorts,
): Promise<void> {
  await using _gate = await shutGate({...plan, gatedPorts: plan.gatedAtStart}, ports);
  try {
    const transferFrom = plan.transfers ? old.at(-1)?.paths.socket : undefined;
    await generation.start({...START_BESIDE, transferFrom}, ports.signal);
  } catch (error) {
    // As long as the gate is shut.
    ports.letGo();
    throw error;
  }
}

/** HAProxy itself tells the old one to go (`-sf`) once it has bound: from its readiness on there is no way back. */
async function bySignal(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  prepared: PreparedFile,
  ports: TakeOverPorts,
): Promise<TookOver> {
  const stillListen = await watchListeners(pidsOf(old), ports);
  await using gate = await shutGate(plan, ports);
  if (gate !== undefined) await settle(plan.gatedPorts, ports.settleMs, ports);
  for (const one of old) one.expectSuccessor();
  try {
    await generation.start({...START_BESIDE, finish: pidsOf(old)}, ports.signal);
  } catch (error) {
    for (const one of old) one.serveOn();
    throw error;
  }
  ports.promote(generation);
  await prepared.commit();
  return {isAsPlanned: isAsPlanned(gate, plan), ended: await retireAll(old, stillListen, ports, 'successor')};
}

const pidsOf = (generations: readonly StagedGeneration[]): number[] =>
  generations.flatMap(({supervisor}) => supervisor.child?.pid ?? []);

const isAsPlanned = (gate: Gate | undefined, {gatedPorts}: ReloadPlan): boolean =>
  gate !== undefined || gatedPorts.length === 0;

/** One that was ready listened beside the old ones, and has connections of its own to finish. */
async function abandon(generation: StagedGeneration, {retire}: Pick<TakeOverPorts, 'retire'>): Promise<void> {
  if (generation.supervisor.job.is === 'RUNNING') return retire(generation);
  generation.supervisor.stop(TERMINATE);
  await generation.supervisor.reached(job => !hasProcess(job));
}

/**
 * Undefined when nothing is to be guarded, or the gate is refused again: that makes a reload less gentle and is no
 * reason to serve yesterday's hosts for ever. The first refusal (a lock that another program holds) rejects with APPLY.
 */
async function shutGate(
  {gatedPorts, gatedFamilies}: ReloadPlan,
  {firewall, log, mayGoUngated}: TakeOverPorts,
): Promise<Gate | undefined> {
  if (gatedPorts.length === 0) return undefined;
  try {
    return await firewall.closeGate(gatedPorts, gatedFamilies);
  } catch (err) {
    if (!mayGoUngated()) throw err;
    log.warn({err}, 'SYN gate refused: reloading without it');
    return undefined;
  }
}

/**
 * Tells the old ones to finish, and sees to it that they listen no more: who still does is ended. Resolves with the PIDs
 * of those.
 */
async function retireAll(
  old: readonly StagedGeneration[],
  stillListen: StillListen,
  ports: TakeOverPorts,
  by: 'us' | 'successor' = 'us',
): Promise<readonly number[]> {
  const {log, retire, processes} = ports;
  const pids = pidsOf(old);
  for (const {inheritance, supervisor} of old) {
    if (inheritance.sockets.length === 0 || supervisor.child === undefined) continue;
    // One that shares its sockets is woken for every connection that waits there, though it takes none. With little CPU
    // that keeps the new one from taking them, which wakes the old one the more.
    await processes
      .giveWay(supervisor.child.pid)
      .catch((err: unknown) => log.debug({err}, 'an old generation keeps its priority'));
  }
  for (const generation of old) retire(generation, by);
  const stuck = await untilClosed(stillListen, ports);
  if (stuck.length === 0) return [];
  log.warn({pids: stuck}, 'an old generation still listens though it was told to finish: ending it');
  for (const {supervisor} of old) {
    if (stuck.includes(supervisor.child?.pid ?? 0)) supervisor.stop(END);
  }
  if ((await untilClosed(stillListen, ports)).length > 0) {
    log.warn({pids}, 'an old generation cannot be ended: new connections may reach it');
  }
  return stuck;
}
