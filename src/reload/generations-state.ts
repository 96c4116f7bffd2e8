import {DaemonError} from '../errors.ts';
import type {Firewall} from '../firewall/gate.ts';
import type {Job} from '../jobs/job.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import {createSource, type OpenSource} from '../ports/source.ts';
import {writeFault} from '../ports/write-fault.ts';
import type {Version} from '../proxy/version.ts';
import type {BindOnly} from './bind-only.ts';
import type {Capabilities} from './capabilities.ts';
import type {DrainFollowers} from './drain-followers.ts';
import {type GenerationPorts, hasProcess, type StagedGeneration} from './generation.ts';
import {createGenerationSet, type GenerationSet} from './generation-set.ts';
import {adoptLeftovers} from './leftovers.ts';
import {createLiveness, type Hang, type Liveness} from './liveness.ts';
import {createOwnedSockets, type OwnedSockets} from './owned-sockets.ts';
import type {HasPendingHandshakes} from './pending-handshakes.ts';
import {createPlanner, type Planner} from './planner.ts';
import {openProcessRecords, type ProcessRecords} from './process-records.ts';
import {openRunFolder, type RunFolder} from './run-folder.ts';
import {openRuntime, type Runtime} from './runtime.ts';
import {isReadable, restoreGeneration} from './stage.ts';
import type {ReloadSetting} from './ways.ts';

/*
 * What is known of the HAProxy processes of one data folder, and what becomes of it when one of them starts or ends.
 */

/** What the generations of a data folder are given; what one tells of itself, they hear themselves. */
export interface GenerationsPorts extends Omit<GenerationPorts, 'onLaunch' | 'onChange' | 'descriptors' | 'restore'> {
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
  /** A text as HAProxy reads it: with spare servers, where there are to be some. */
  readonly readAs?: (text: string) => string;
  /** Hears what a generation counts while it finishes its connections. */
  readonly followers?: Pick<DrainFollowers, 'follow' | 'letGo' | 'answersOf'>;
}

/**
 * What is known of the text of the one that serves: `known` from its start on; `adopted` from an earlier daemon, so
 * that the first pass reloads whatever its text is; `half-told` by runtime commands of which only some were taken;
 * `doubted` since it was seen to run something else.
 */
type TextKnowledge = 'known' | 'adopted' | 'half-told' | 'doubted';

/** Changed by what becomes of the generations, and by whoever applies a candidate. */
export interface GenerationsState {
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
  readonly startsRefused: OpenSource<string>;
  readonly failed: PromiseWithResolvers<DaemonError>;
  /** The highest number that was ever started. */
  last: number;
  /** Numbers are given when a candidate is staged: two may be on disk at once, a pass's and a script's. */
  lastStaged: number;
  restarts: number;
  hangs: number;
  /** The generation that served and does not, and since when (monotonic). */
  down: {readonly generation: number; readonly sinceMs: number} | undefined;
  /** Of the one that serves, in a row, each by itself with an exit code. */
  refusedStarts: number;
  /** When `startsRefused` was told last (monotonic). */
  refusalToldMs: number | undefined;
  textIs: TextKnowledge;
  /** In a row. */
  gateRefusals: number;
  isApplying: boolean;
  /** HAProxy did not start with spare servers: it is given none any more. */
  sparesRefused: boolean;
}

/** A text as HAProxy is to read it. */
export const readAs = (
  {ports, sparesRefused}: Pick<GenerationsState, 'ports' | 'sparesRefused'>,
  text: string,
): string => (sparesRefused ? text : (ports.readAs?.(text) ?? text));

/** What is known of a folder once what an earlier daemon left running there was adopted. */
export async function openGenerationsState(ports: GenerationsPorts): Promise<GenerationsState> {
  const state = createState(ports);
  const {committedPath, run, processRecords, generations} = state;
  await run.make();
  const records = await processRecords.load();
  state.last = await adoptLeftovers(records, generations, generationPortsOf(state), {...ports, committedPath});
  await run.sweep(new Set(generations.all().map(({number}) => number)));
  return state;
}

function createState(ports: GenerationsPorts): GenerationsState {
  const committedPath = `${ports.dataFolder}/proxy.cfg`;
  const ownedSockets = createOwnedSockets(ports);
  const hung = createSource<Hang>();
  const liveness = createLiveness({...ports, onHang: hang => noteHang(state, hang)});
  const state: GenerationsState = {
    ports,
    committedPath,
    run: openRunFolder(ports),
    processRecords: openProcessRecords(ports.dataFolder, ports),
    generations: createGenerationSet(ports.clock, ports.drain),
    ownedSockets,
    planner: createPlanner({...ports, ownedSockets}),
    runtime: openRuntime({...ports, committedPath, readAs: text => readAs(state, text)}),
    liveness,
    hung,
    startsRefused: createSource(),
    failed: Promise.withResolvers(),
    last: 0,
    lastStaged: 0,
    restarts: 0,
    hangs: 0,
    down: undefined,
    refusedStarts: 0,
    refusalToldMs: undefined,
    textIs: 'adopted',
    gateRefusals: 0,
    isApplying: false,
    sparesRefused: false,
  };
  return state;
}

/** What a generation of this folder tells of itself ends up in the state. */
export const generationPortsOf = (state: GenerationsState): GenerationPorts => ({
  ...state.ports,
  descriptors: sockets => state.ownedSockets.descriptors(sockets),
  async restore(generation) {
    const {files} = state.ports;
    await state.run.make();
    await restoreGeneration(generation, {...state.ports, run: state.run});
    if (state.generations.current?.number !== generation.number) return;
    if (await isReadable(state.committedPath, files)) return;
    // HAProxy reads another file: it is started all the same.
    await files.replace(state.committedPath, generation.text, 0o640).catch(cause => {
      state.ports.log.warn({reason: writeFault(state.committedPath, cause).message}, 'proxy.cfg is not what serves');
    });
    await state.run.link(generation);
  },
  onLaunch(generation) {
    state.last = Math.max(state.last, generation.number);
    void writeRecords(state);
  },
  onChange: (generation, job) => jobChanged(state, generation, job),
});

function jobChanged(state: GenerationsState, generation: StagedGeneration, job: Job): void {
  const {generations, run} = state;
  if (generation === generations.current) {
    noteRefusedStart(state, generation, job);
    noteDown(state, generation, job);
    if (job.is === 'STARTING') state.restarts += 1;
    if (job.is !== 'FATAL') return;
    state.ownedSockets.keepOnly([]);
    state.failed.resolve(fatalError(job));
  } else if (!hasProcess(job) && generations.drop(generation)) {
    void run.forget(generation.number);
  }
}

/** One may be for something that passes by. */
const REFUSED_STARTS = 2;
/** Told more often, one that runs now and then would never count as dead for good. */
const TELL_AGAIN_MS = 600_000;

/** What it is started with may be the cause: it is as it was, but the machine is not (a port that somebody took). */
function noteRefusedStart(state: GenerationsState, {number}: StagedGeneration, job: Job): void {
  if (job.is === 'RUNNING') state.refusedStarts = 0;
  const wasDown = state.down?.generation === number;
  if (job.is !== 'BACKOFF' || !wasDown || job.exit.code === undefined) return;
  state.refusedStarts += 1;
  const nowMs = state.ports.clock.nowMs();
  const {refusalToldMs: toldMs} = state;
  if (state.refusedStarts !== REFUSED_STARTS || (toldMs !== undefined && nowMs - toldMs < TELL_AGAIN_MS)) return;
  state.refusalToldMs = nowMs;
  state.startsRefused.tell('HAProxy died and cannot be started again');
}

function noteDown(state: GenerationsState, {number}: StagedGeneration, job: Job): void {
  if (job.is === 'RUNNING') state.down = undefined;
  else if (state.down?.generation !== number) state.down = {generation: number, sinceMs: state.ports.clock.nowMs()};
}

export function noteHang(state: GenerationsState, hang: Hang): void {
  state.hangs += 1;
  if (state.down?.generation === hang.generation) {
    state.down = {generation: hang.generation, sinceMs: state.ports.clock.nowMs() - hang.silentMs};
  }
  state.hung.tell(hang);
}

/** Who runs, for the next daemon. */
export const writeRecords = (state: GenerationsState): Promise<void> =>
  state.processRecords.write(() => ({
    last: state.last,
    processes: state.generations
      .all()
      .flatMap(({number, supervisor: {child}}) => (child === undefined ? [] : [{pid: child.pid, generation: number}])),
    servingPid: state.generations.current?.supervisor.child?.pid,
  }));

/** What ends the daemon: HAProxy died too often in a row. */
function fatalError({exit, failures}: Job & {is: 'FATAL'}): DaemonError {
  const end = exit.signal ?? `exit code ${exit.code ?? 'unknown'}`;
  const why =
    exit.unstarted === undefined
      ? `it died ${failures} times in a row, last by ${end}: see proxy.out in KONTROL_DATA`
      : `${failures} tries in a row failed, the last before HAProxy was started: ${exit.unstarted}`;
  return new DaemonError('PROXY', `cannot keep HAProxy running: ${why}`);
}
