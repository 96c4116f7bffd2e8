import {DaemonError, reasonOf} from '../errors.ts';
import type {Firewall} from '../firewall/gate.ts';
import type {Job} from '../jobs/job.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import type {Version} from '../proxy/version.ts';
import type {BindOnly} from './bind-only.ts';
import type {Applied, ApplyOptions, Candidate} from './candidate.ts';
import type {Capabilities} from './capabilities.ts';
import {drainAll} from './drain.ts';
import {pathsOf} from './files.ts';
import {createGeneration, type GenerationPorts, hasProcess, type StagedGeneration} from './generation.ts';
import {createGenerationSet} from './generation-set.ts';
import {adoptLeftovers} from './leftovers.ts';
import {createOwnedSockets} from './owned-sockets.ts';
import type {HasPendingHandshakes} from './pending-handshakes.ts';
import {createPlanner} from './planner.ts';
import {openProcessRecords} from './process-records.ts';
import {openRunFolder} from './run-folder.ts';
import {openRuntime, type RuntimeOutcome} from './runtime.ts';
import {carryServerState, stageGeneration} from './stage.ts';
import {takeOver} from './take-over.ts';
import type {ReloadSetting, ReloadWay} from './ways.ts';

/*
 * INVARIANTS
 * - `proxy.cfg` is the text of the generation that serves: it is renamed into place when the new generation is ready
 *   and before the old one is told to go, or when the running one has shown that it took the change. A failure on the
 *   way there leaves text and proxy as they were.
 * - The files of the generation that serves say what it runs, so that a HAProxy that dies is restarted on the same.
 */

export interface ProxyStatus {
  readonly state: Job['is'];
  readonly pid: number | null;
  readonly generation: number;
  readonly restarts: number;
  readonly draining: readonly {readonly pid: number; readonly generation: number; readonly sinceMs: number}[];
}

export interface ReloadStatus {
  /** The weakest way in use; for the listeners of the last reload, what it used. */
  readonly way: ReloadWay;
  readonly why: string;
  readonly listeners: readonly {readonly address: string; readonly way: ReloadWay}[];
  readonly capabilities: Capabilities;
}

/** The HAProxy processes of one data folder: the one that serves, and those that finish their connections. */
export interface Generations {
  /** `proxy.cfg`. */
  readonly committedPath: string;
  /** The text that serves, or undefined when none does (yet). */
  readonly text: string | undefined;
  /** Whether exactly this text is what HAProxy runs: nothing needs to be applied. */
  isServing(text: string): boolean;
  /** Whether it needs no check: only how servers stand differs from what HAProxy runs. */
  isSafe(text: string): Promise<boolean>;
  /** Writes a candidate's files. Rejects with APPLY on a full disk. */
  stage(text: string): Promise<Candidate>;
  /** Removes a candidate's files. Never rejects. */
  discard(candidate: Candidate): Promise<void>;
  /**
   * Makes the candidate `proxy.cfg` and has it served: over the runtime socket when only servers changed, otherwise by
   * a new generation beside which the old one drains. On rejection the old one serves on.
   */
  apply(candidate: Candidate, options?: ApplyOptions): Promise<Applied>;
  /** Lets every generation finish its connections; true when all did within the grace, of which `skip` leaves 1 s. */
  drain(graceMs: number, skip: AbortSignal): Promise<boolean>;
  /** The runtime socket of the generation that serves. */
  readonly socket: string;
  readonly status: ProxyStatus;
  readonly reload: ReloadStatus;
}

export interface GenerationsPorts extends Omit<GenerationPorts, 'onLaunch' | 'onChange' | 'descriptors'> {
  readonly dataFolder: string;
  readonly firewall: Firewall;
  readonly processes: ProcessTable;
  readonly hasPendingHandshakes: HasPendingHandshakes;
  readonly bind: BindOnly;
  readonly capabilities: Capabilities;
  readonly version: Version;
  readonly setting: ReloadSetting;
  readonly settleMs: number;
  readonly drain: {readonly maxAgeMs: number; readonly maxCount: number};
  /** HAProxy died too often in a row: nothing serves any more. */
  readonly onFatal: (error: DaemonError) => void;
}

/**
 * What is known of the text of the one that serves: `known` from its start on; `adopted` from an earlier daemon, so
 * that the first pass reloads whatever its text is; `half-told` by runtime commands of which only some were taken.
 */
type TextKnowledge = 'known' | 'adopted' | 'half-told';

/** Opens the generations of a data folder, adopting what an earlier daemon left running there. */
export async function openGenerations(ports: GenerationsPorts): Promise<Generations> {
  const {capabilities, clock, dataFolder, files} = ports;
  const committedPath = `${dataFolder}/proxy.cfg`;
  const run = openRunFolder(ports);
  const generations = createGenerationSet(clock, ports.drain);
  const ownedSockets = createOwnedSockets(ports);
  let last = 0;
  /** Numbers are given when a candidate is staged: two may be on disk at once, a pass's and a script's. */
  let lastStaged = 0;
  let restarts = 0;
  let textIs: TextKnowledge = 'adopted';
  let gateRefusals = 0;

  const processRecords = openProcessRecords(
    dataFolder,
    () => ({
      last,
      processes: generations
        .all()
        .flatMap(({number, supervisor: {child}}) =>
          child === undefined ? [] : [{pid: child.pid, generation: number}],
        ),
      servingPid: generations.current?.supervisor.child?.pid,
    }),
    ports,
  );

  const generationPorts: GenerationPorts = {
    ...ports,
    descriptors: sockets => ownedSockets.descriptors(sockets),
    onLaunch(generation) {
      last = Math.max(last, generation.number);
      void processRecords.write();
    },
    onChange(generation, job) {
      if (generation === generations.current) {
        if (job.is === 'STARTING') restarts += 1;
        if (job.is !== 'FATAL') return;
        ownedSockets.keepOnly([]);
        ports.onFatal(fatalError(job));
      } else if (!hasProcess(job) && generations.drop(generation)) {
        void run.forget(generation.number);
      }
    },
  };

  const isOurs = (generation: StagedGeneration): boolean => generation !== generations.current || textIs !== 'adopted';
  const planner = createPlanner({...ports, ownedSockets, isOurs});
  const runtime = openRuntime({...ports, committedPath});

  /** Never started, so its number is free again: what is refused time and again is refused in the same words. */
  const discard = async ({generation}: Candidate): Promise<void> => {
    await run.forget(generation);
    if (generation === lastStaged) lastStaged -= 1;
  };

  /** A new generation takes over; `because` says why the running one could not just be told. */
  const reload = async ({text, generation: number}: Candidate, because: string): Promise<Applied> => {
    const old = generations.listening();
    const dead =
      generations.current !== undefined && !old.includes(generations.current) ? generations.current : undefined;
    const {plan, inheritance} = await planner.plan(text, old);
    const paths = pathsOf(dataFolder, number);
    const generation = createGeneration({number, text, paths, inheritance}, generationPorts);
    let asPlanned: boolean;
    try {
      if (inheritance.sockets.length > 0) await files.replace(paths.inheriting, inheritance.rewrite(text), 0o600);
      if (old.length > 0) await carryServerState(text, generations.current, paths, ports);
      if (!plan.parallel) ownedSockets.keepOnly([]);
      const mayGoUngated = () => ++gateRefusals > 1;
      const {promote, retire} = generations;
      asPlanned = await takeOver(generation, old, plan, {...ports, committedPath, promote, retire, mayGoUngated});
    } catch (error) {
      if (generation !== generations.current) {
        if (!generations.has(generation)) await run.forget(number);
        ownedSockets.keepOnly(generations.current?.inheritance.sockets ?? []);
      }
      if (error instanceof DaemonError) throw error;
      throw new DaemonError('APPLY', `cannot apply generation ${number}: ${reasonOf(error)}`, {cause: error});
    }
    if (dead !== undefined && !generations.has(dead)) await run.forget(dead.number);
    if (asPlanned) gateRefusals = 0;
    textIs = 'known';
    ownedSockets.keepOnly(inheritance.sockets);
    await run.link(generation);
    await processRecords.write();
    if (old.length === 0) return {generation: number, way: 'start', why: 'no generation served before'};
    const why = `${because}; ${asPlanned ? plan.why : 'iptables refused the SYN gate, see the log'}`;
    return {generation: number, way: asPlanned ? plan.way : 'plain', why};
  };

  const tell = async (candidate: Candidate): Promise<RuntimeOutcome> => {
    const {current} = generations;
    if (current === undefined) return {is: 'unfit', why: 'nothing served'};
    if (textIs === 'adopted') return {is: 'unfit', why: 'an earlier daemon started what serves'};
    if (textIs === 'half-told') return {is: 'unfit', why: 'what serves took only some of the last changes'};
    return runtime.apply(current, candidate);
  };

  await run.make();
  const records = await processRecords.load();
  last = await adoptLeftovers(records, generations, generationPorts, {...ports, committedPath});
  await run.sweep(new Set(generations.all().map(({number}) => number)));

  return {
    committedPath,

    get text() {
      return textIs === 'adopted' ? undefined : generations.current?.text;
    },

    isServing: text =>
      textIs === 'known' && generations.current?.text === text && generations.current.supervisor.job.is !== 'FATAL',

    stage(text) {
      lastStaged = Math.max(last, lastStaged) + 1;
      return stageGeneration(lastStaged, text, {...ports, run});
    },

    discard,

    isSafe: async text =>
      textIs === 'known' && generations.current !== undefined && runtime.isSafe(generations.current, text),

    async apply(candidate, {check, because} = {}) {
      const outcome: RuntimeOutcome = because === undefined ? await tell(candidate) : {is: 'unfit', why: because};
      if (outcome.is === 'applied') {
        await discard(candidate);
        return {generation: generations.current?.number ?? 0, way: 'runtime', why: outcome.why};
      }
      if (outcome.is === 'refused') textIs = 'half-told';
      try {
        await check?.();
      } catch (error) {
        await discard(candidate);
        throw error;
      }
      return reload(candidate, outcome.why);
    },

    drain(graceMs, skip) {
      // Our own copies would keep the addresses alive, with nobody behind them.
      ownedSockets.keepOnly([]);
      return drainAll(generations.all(), graceMs, skip, ports);
    },

    get socket() {
      return generations.current?.paths.socket ?? `${dataFolder}/haproxy.sock`;
    },

    get status() {
      const {current} = generations;
      return {
        state: current?.supervisor.job.is ?? 'STOPPED',
        pid: current?.supervisor.child?.pid ?? null,
        generation: current?.number ?? 0,
        restarts,
        draining: generations.draining(),
      };
    },

    get reload() {
      return {...planner.summary(generations.current?.text ?? ''), capabilities};
    },
  };
}

/** What ends the daemon: HAProxy died too often in a row. */
function fatalError({exit, failures}: Job & {is: 'FATAL'}): DaemonError {
  const end = exit.signal ?? `exit code ${exit.code ?? 'unknown'}`;
  return new DaemonError(
    'PROXY',
    `cannot keep HAProxy running: it died ${failures} times in a row, last by ${end}: see proxy.out in KONTROL_DATA`,
  );
}
