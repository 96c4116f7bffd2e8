import type {Firewall, Gate} from '../firewall/gate.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files, PreparedFile} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {parseBinds, tcpPorts} from '../proxy/binds.ts';
import {hasProcess, type StagedGeneration, TERMINATE} from './generation.ts';
import {settle, untilClosed} from './handover.ts';
import type {ReloadPlan} from './plan.ts';

export interface TakeOverPorts {
  readonly clock: Clock;
  readonly files: Files;
  readonly firewall: Firewall;
  readonly log: Log;
  readonly processes: ProcessTable;
  readonly settleMs: number;
  /** `proxy.cfg`. */
  readonly committedPath: string;
  /** From here on the new generation is the one that serves and is restarted when it dies. */
  readonly promote: (generation: StagedGeneration) => void;
  /** Tells a generation to finish its connections and go. */
  readonly retire: (generation: StagedGeneration) => void;
}

/**
 * Starts `generation` and lets it take over from `old` as planned. The text becomes `proxy.cfg` (by a rename of what
 * is synced before anything is started, so that a full disk is noticed while it harms nobody) once the new generation
 * is ready. Rejects with the old ones serving as before. Resolves with whether the gate was shut as planned.
 */
export async function takeOver(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  ports: TakeOverPorts,
): Promise<boolean> {
  const prepared = await ports.files.prepare(ports.committedPath, generation.text, 0o640);
  try {
    return await (plan.parallel ? inParallel : bySignal)(generation, old, plan, prepared, ports);
  } finally {
    await prepared.discard();
  }
}

/** Both listen for a moment. Commit before the old one is told anything: until then all can be taken back. */
async function inParallel(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  prepared: PreparedFile,
  ports: TakeOverPorts,
): Promise<boolean> {
  try {
    await generation.start([]);
    await prepared.commit();
  } catch (error) {
    generation.supervisor.stop(TERMINATE);
    await generation.supervisor.reached(job => !hasProcess(job));
    throw error;
  }
  ports.promote(generation);
  if (old.length === 0) return true;
  await using gate = await shutGate(generation, old, plan, ports);
  await retireAll(old, ports);
  return gate !== undefined || !plan.gated;
}

/** HAProxy itself tells the old one to go (`-sf`) once it has bound: from its readiness on there is no way back. */
async function bySignal(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  prepared: PreparedFile,
  ports: TakeOverPorts,
): Promise<boolean> {
  await using gate = old.length === 0 ? undefined : await shutGate(generation, old, plan, ports);
  for (const one of old) one.yield();
  try {
    await generation.start(old.flatMap(({supervisor}) => supervisor.child?.pid ?? []));
  } catch (error) {
    for (const one of old) one.resume();
    throw error;
  }
  ports.promote(generation);
  await prepared.commit();
  await retireAll(old, ports);
  return gate !== undefined || !plan.gated;
}

/** Every port that either configuration binds or that is really listened on. */
async function portsToGate(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  processes: ProcessTable,
): Promise<number[]> {
  const listening = old.map(({supervisor}) => processes.listeningPorts(supervisor.child?.pid ?? 0).catch(() => []));
  const bound = [generation, ...old].flatMap(({text}) => tcpPorts(parseBinds(text)));
  return [...new Set([...bound, ...(await Promise.all(listening)).flat()])];
}

/** Shut and settled, or undefined: a gate that is refused makes a reload less gentle and is no reason against it. */
async function shutGate(
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
  {clock, firewall, log, processes, settleMs}: TakeOverPorts,
): Promise<Gate | undefined> {
  if (!plan.gated) return undefined;
  const gatedPorts = await portsToGate(generation, old, processes);
  let gate: Gate;
  try {
    gate = await firewall.closeGate(gatedPorts);
  } catch (err) {
    log.warn({err, generation: generation.number}, 'SYN gate refused: reloading without it');
    return undefined;
  }
  await settle(gatedPorts, settleMs, {clock, processes, log});
  return gate;
}

async function retireAll(
  old: readonly StagedGeneration[],
  {clock, log, processes, retire}: TakeOverPorts,
): Promise<void> {
  const pids = old.flatMap(({supervisor}) => supervisor.child?.pid ?? []);
  for (const generation of old) retire(generation);
  if (!(await untilClosed(pids, {clock, processes, log}))) {
    log.warn({pids}, 'an old generation still listens though it was told to finish: new connections may reach it');
  }
}
