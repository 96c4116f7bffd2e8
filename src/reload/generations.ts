import {DaemonError, reasonOf} from '../errors.ts';
import type {Firewall} from '../firewall/gate.ts';
import type {Job} from '../jobs/job.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import {createSource, type OpenSource, type Source} from '../ports/source.ts';
import type {RunningProxy} from '../proxy/drift-watch.ts';
import type {Version} from '../proxy/version.ts';
import type {BindOnly} from './bind-only.ts';
import type {Applied, ApplyOptions, Candidate} from './candidate.ts';
import type {Capabilities} from './capabilities.ts';
import {drainAll} from './drain.ts';
import type {DrainFollowers} from './drain-followers.ts';
import {pathsOf} from './files.ts';
import {
  createGeneration,
  type GenerationPorts,
  hasProcess,
  type StagedGeneration,
  writeRewritten,
} from './generation.ts';
import {createGenerationSet, type GenerationSet} from './generation-set.ts';
import {watchForHangs} from './hang-watch.ts';
import {adoptLeftovers} from './leftovers.ts';
import {createLiveness, type Hang, type Liveness} from './liveness.ts';
import {createOwnedSockets, type OwnedSockets} from './owned-sockets.ts';
import type {HasPendingHandshakes} from './pending-handshakes.ts';
import type {ReloadPlan} from './plan.ts';
import {createPlanner, type Planner} from './planner.ts';
import {openProcessRecords, type ProcessRecords} from './process-records.ts';
import {openRunFolder, type RunFolder} from './run-folder.ts';
import {openRuntime, type Runtime, type RuntimeOutcome} from './runtime.ts';
import {stageGeneration} from './stage.ts';
import {carryServerState, emptyStateFile} from './state-file.ts';
import {type TookOver, takeOver} from './take-over.ts';
import type {ReloadSetting, ReloadWay} from './ways.ts';

/*
 * INVARIANTS
 * - `proxy.cfg` is the text of the generation that serves: it is renamed into place when the new generation is ready
 *   and before the old one is told to go, or when the running one has shown that it took the change. A failure on the
 *   way there leaves text and proxy as they were.
 * - The files of the generation that serves say what it runs, so that a HAProxy that dies is restarted on the same.
 */

/** A silence up to here is nothing to talk about. */
const NOTICED_SILENCE_MS = 3000;

export interface ProxyStatus {
  readonly state: Job['is'];
  readonly pid: number | null;
  readonly generation: number;
  readonly restarts: number;
  /** How long it has not answered over its runtime socket: 0 when it does. */
  readonly silentMs: number;
  /** It has not answered for so long that it counts as hung. */
  readonly isHung: boolean;
  /** Of this data folder since the daemon started; each was ended and started anew. */
  readonly hangs: number;
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
  /** Resolves when HAProxy has died too often in a row: nothing serves any more, and the daemon has to end. */
  readonly failed: Promise<DaemonError>;
  /** What runs was seen to differ from its text: the next apply reloads, even the same text. */
  doubt(): void;
  /** Each HAProxy that hung, once it was ended. */
  readonly hung: Source<Hang>;
  /** Looks for hangs until the signal aborts. */
  watchForHangs(signal: AbortSignal): Promise<void>;
  /** Lets every generation finish its connections; true when all did within the grace, of which `skip` leaves 1 s. */
  drain(graceMs: number, skip: AbortSignal): Promise<boolean>;
  /** The runtime socket of the generation that serves. */
  readonly socket: string;
  /** What serves, with the text that it runs; undefined while that is being changed, or is not known. */
  readonly running: RunningProxy | undefined;
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
  /** A HAProxy that answers nothing for so long is ended and started anew; 0: never. */
  readonly hangMs: number;
  /** Hears what a generation counts while it finishes its connections. */
  readonly followers?: Pick<DrainFollowers, 'follow' | 'letGo'>;
}

/**
 * What is known of the text of the one that serves: `known` from its start on; `adopted` from an earlier daemon, so
 * that the first pass reloads whatever its text is; `half-told` by runtime commands of which only some were taken;
 * `doubted` since it was seen to run something else.
 */
type TextKnowledge = 'known' | 'adopted' | 'half-told' | 'doubted';

interface State {
  readonly ports: GenerationsPorts;
  readonly committedPath: string;
  readonly run: RunFolder;
  readonly processRecords: ProcessRecords;
  readonly generations: GenerationSet;
  readonly ownedSockets: OwnedSockets;
  readonly planner: Planner;
  readonly runtime: Runtime;
  readonly liveness: Liveness;
  readonly hung: OpenSource<Hang>;
  readonly failed: PromiseWithResolvers<DaemonError>;
  /** The highest number that was ever started. */
  last: number;
  /** Numbers are given when a candidate is staged: two may be on disk at once, a pass's and a script's. */
  lastStaged: number;
  restarts: number;
  hangs: number;
  textIs: TextKnowledge;
  /** In a row. */
  gateRefusals: number;
  isApplying: boolean;
}

/** Opens the generations of a data folder, adopting what an earlier daemon left running there. */
export async function openGenerations(ports: GenerationsPorts): Promise<Generations> {
  const state = createState(ports);
  await takeOverFolder(state);
  const {committedPath, generations, failed, planner} = state;
  return {
    committedPath,
    failed: failed.promise,
    hung: state.hung,
    watchForHangs: signal => watchForHangs(state.liveness, () => generations.current, {clock: ports.clock, signal}),
    get text() {
      return state.textIs === 'adopted' ? undefined : generations.current?.text;
    },
    isServing: text => isServing(state, text),
    isSafe: text => isSafe(state, text),
    stage: text => stage(state, text),
    discard: candidate => discard(state, candidate),
    async apply(candidate, options = {}) {
      state.isApplying = true;
      try {
        return await apply(state, candidate, options);
      } finally {
        state.isApplying = false;
      }
    },
    doubt() {
      if (state.textIs === 'known') state.textIs = 'doubted';
    },
    drain: (graceMs, skip) => drain(state, graceMs, skip),
    get socket() {
      return generations.current?.paths.socket ?? `${ports.dataFolder}/haproxy.sock`;
    },
    get running() {
      return runningOf(state);
    },
    get status() {
      return statusOf(state);
    },
    get reload() {
      return {...planner.summary(generations.current?.text ?? ''), capabilities: ports.capabilities};
    },
  };
}

function createState(ports: GenerationsPorts): State {
  const committedPath = `${ports.dataFolder}/proxy.cfg`;
  const ownedSockets = createOwnedSockets(ports);
  const hung = createSource<Hang>();
  const liveness = createLiveness({
    ...ports,
    onHang(hang) {
      state.hangs += 1;
      hung.tell(hang);
    },
  });
  const state: State = {
    ports,
    committedPath,
    run: openRunFolder(ports),
    processRecords: openProcessRecords(ports.dataFolder, ports),
    generations: createGenerationSet(ports.clock, ports.drain),
    ownedSockets,
    planner: createPlanner({...ports, ownedSockets}),
    runtime: openRuntime({...ports, committedPath}),
    liveness,
    hung,
    failed: Promise.withResolvers(),
    last: 0,
    lastStaged: 0,
    restarts: 0,
    hangs: 0,
    textIs: 'adopted',
    gateRefusals: 0,
    isApplying: false,
  };
  return state;
}

async function takeOverFolder(state: State): Promise<void> {
  const {ports, committedPath, run, processRecords, generations} = state;
  await run.make();
  const records = await processRecords.load();
  state.last = await adoptLeftovers(records, generations, generationPortsOf(state), {...ports, committedPath});
  await run.sweep(new Set(generations.all().map(({number}) => number)));
}

const generationPortsOf = (state: State): GenerationPorts => ({
  ...state.ports,
  descriptors: sockets => state.ownedSockets.descriptors(sockets),
  onLaunch(generation) {
    state.last = Math.max(state.last, generation.number);
    void writeRecords(state);
  },
  onChange: (generation, job) => jobChanged(state, generation, job),
});

function jobChanged(state: State, generation: StagedGeneration, job: Job): void {
  const {generations, run} = state;
  if (generation === generations.current) {
    if (job.is === 'STARTING') state.restarts += 1;
    if (job.is !== 'FATAL') return;
    state.ownedSockets.keepOnly([]);
    state.failed.resolve(fatalError(job));
  } else if (!hasProcess(job) && generations.drop(generation)) {
    void run.forget(generation.number);
  }
}

const writeRecords = (state: State): Promise<void> =>
  state.processRecords.write(() => ({
    last: state.last,
    processes: state.generations
      .all()
      .flatMap(({number, supervisor: {child}}) => (child === undefined ? [] : [{pid: child.pid, generation: number}])),
    servingPid: state.generations.current?.supervisor.child?.pid,
  }));

function isServing({textIs, generations: {current}}: State, text: string): boolean {
  return textIs === 'known' && current?.text === text && current.supervisor.job.is !== 'FATAL';
}

async function isSafe({textIs, generations: {current}, runtime}: State, text: string): Promise<boolean> {
  return textIs === 'known' && current !== undefined && runtime.isSafe(current, text);
}

function stage(state: State, text: string): Promise<Candidate> {
  state.lastStaged = Math.max(state.last, state.lastStaged) + 1;
  return stageGeneration(state.lastStaged, text, {...state.ports, run: state.run});
}

/** Never started, so its number is free again: what is refused time and again is refused in the same words. */
async function discard(state: State, {generation}: Candidate): Promise<void> {
  await state.run.forget(generation);
  if (generation === state.lastStaged) state.lastStaged -= 1;
}

async function apply(state: State, candidate: Candidate, {check, because}: ApplyOptions): Promise<Applied> {
  const outcome: RuntimeOutcome =
    because === undefined ? await applyAtRunTime(state, candidate) : {is: 'unfit', why: because};
  const {current} = state.generations;
  if (outcome.is === 'applied' && current !== undefined) {
    await discard(state, candidate);
    return {generation: current.number, way: 'runtime', why: outcome.why};
  }
  if (outcome.is === 'refused') state.textIs = 'half-told';
  try {
    await check?.();
  } catch (error) {
    await discard(state, candidate);
    throw error;
  }
  return reload(state, candidate, outcome.why);
}

async function applyAtRunTime({generations, textIs, runtime}: State, candidate: Candidate): Promise<RuntimeOutcome> {
  const {current} = generations;
  if (current === undefined) return {is: 'unfit', why: 'nothing served'};
  if (textIs === 'adopted') return {is: 'unfit', why: 'an earlier daemon started what serves'};
  if (textIs === 'doubted') return {is: 'unfit', why: 'what serves was seen to differ from its text'};
  if (textIs === 'half-told') return {is: 'unfit', why: 'what serves took only some of the last changes'};
  return runtime.apply(current, candidate);
}

/** A new generation takes over; `because` says why the running one could not just be told. */
async function reload(state: State, candidate: Candidate, because: string): Promise<Applied> {
  const {generations, ownedSockets, planner, run} = state;
  const {text, generation: number} = candidate;
  const hangs = await endHung(state);
  const former = generations.current;
  const old = generations.listening();
  const {plan, inheritance} = await planner.plan(text, old, {runTheirText: state.textIs !== 'adopted'});
  const paths = pathsOf(state.ports.dataFolder, number);
  const generation = createGeneration({number, text, paths, inheritance}, generationPortsOf(state));
  await state.ports.followers?.follow(old);
  const {isAsPlanned, ended} = await start(state, generation, old, plan).catch(error => {
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

/** What hangs cannot hand over its listeners, and cannot let go of them: it is ended before a new one takes them. */
async function endHung({generations, liveness}: State): Promise<Hang[]> {
  const {current} = generations;
  const hangs = await Promise.all(generations.listening().map(one => liveness.check(one, one === current)));
  if (hangs.some(hang => hang?.generation === current?.number)) {
    await current?.supervisor.reached(({is}) => is === 'RUNNING' || is === 'FATAL' || is === 'STOPPED');
  }
  return hangs.filter(hang => hang !== undefined);
}

/** Has it take over from the old ones. Rejects with APPLY, all as before. */
async function start(
  state: State,
  generation: StagedGeneration,
  old: readonly StagedGeneration[],
  plan: ReloadPlan,
): Promise<TookOver> {
  const {ports, committedPath, generations, ownedSockets, run} = state;
  const {number, text, paths, inheritance} = generation;
  try {
    await writeRewritten(ports.files, paths, inheritance, text);
    await carryServerState(generation, old.at(-1), ports);
    if (!plan.parallel) ownedSockets.keepOnly([]);
    const {promote, retire} = generations;
    const mayGoUngated = () => ++state.gateRefusals > 1;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => emptyStateFile(generation, ports));
    return await takeOver(generation, old, plan, {...ports, committedPath, promote, retire, mayGoUngated});
  } catch (error) {
    if (generation !== generations.current) {
      if (!generations.has(generation)) await run.forget(number);
      ownedSockets.keepOnly(generations.current?.inheritance.sockets ?? []);
    }
    if (error instanceof DaemonError) throw error;
    throw new DaemonError('APPLY', `cannot apply generation ${number}: ${reasonOf(error)}`, {cause: error});
  }
}

function drain({ports, generations, ownedSockets}: State, graceMs: number, skip: AbortSignal): Promise<boolean> {
  // Our own copies would keep the addresses alive, with nobody behind them.
  ownedSockets.keepOnly([]);
  return drainAll(generations.all(), graceMs, skip, ports);
}

function runningOf({generations: {current}, isApplying, textIs}: State): RunningProxy | undefined {
  if (current === undefined || isApplying || textIs !== 'known') return undefined;
  const {job, child} = current.supervisor;
  if (job.is !== 'RUNNING' || child === undefined) return undefined;
  return {pid: child.pid, socket: current.paths.socket, text: current.text};
}

function statusOf({generations, restarts, liveness, hangs, ports}: State): ProxyStatus {
  const {current} = generations;
  const silentMs = current === undefined ? 0 : liveness.silentMs(current);
  return {
    state: current?.supervisor.job.is ?? 'STOPPED',
    pid: current?.supervisor.child?.pid ?? null,
    generation: current?.number ?? 0,
    restarts,
    silentMs: silentMs < NOTICED_SILENCE_MS ? 0 : Math.round(silentMs),
    isHung: ports.hangMs > 0 && silentMs >= ports.hangMs,
    hangs,
    draining: generations.draining(),
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
