import type {DaemonError} from '../errors.ts';
import type {Job} from '../jobs/job.ts';
import type {Source} from '../ports/source.ts';
import type {RunningProxy} from '../proxy/drift-watch.ts';
import {apply, discard, foresee, stage} from './apply.ts';
import type {Applied, ApplyOptions, Candidate, Foreseen, Unstaged} from './candidate.ts';
import type {Capabilities} from './capabilities.ts';
import {drainAll} from './drain.ts';
import {watchDrains} from './drain-watch.ts';
import {findChangedFiles} from './files-read.ts';
import {type GenerationsPorts, type GenerationsState, noteHang, openGenerationsState} from './generations-state.ts';
import {watchForHangs} from './hang-watch.ts';
import {describeSilence, type Hang, NO_WAITING} from './liveness.ts';
import type {ReloadWay} from './ways.ts';

export interface ProxyStatus {
  readonly state: Job['is'];
  readonly pid: number | null;
  readonly generation: number;
  readonly restarts: number;
  /** How long ago its last answer over its runtime socket was, when it owes one; 0 when it does not. */
  readonly silentMs: number;
  /** It has not answered for so long that it counts as hung. */
  readonly isHung: boolean;
  /** It serves all the same. */
  readonly isDeaf: boolean;
  /** Of this data folder since the daemon started; each was ended, and started anew unless it was an old one. */
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
  /** Whether it may be applied unchecked, with a check in its options: HAProxy is told, and told back if that refuses. */
  mayTellFirst(text: string): Promise<boolean>;
  /** How a text would come to serve, were it applied now. Changes nothing. */
  foresee(text: string): Promise<Foreseen>;
  /** Writes a candidate's files. Rejects with APPLY on a full disk. */
  stage(text: string): Promise<Candidate>;
  /** Removes a candidate's files. Never rejects. */
  discard(candidate: Candidate): Promise<void>;
  /**
   * Makes the candidate `proxy.cfg` and has it served: over the runtime socket when only servers changed, otherwise by
   * a new generation beside which the old one drains. On rejection the old one serves on. One that is not staged is
   * staged when it has to be.
   */
  apply(candidate: Candidate | Unstaged, options?: ApplyOptions): Promise<Applied>;
  /** An `apply` is under way. */
  readonly isApplying: boolean;
  /** Resolves when HAProxy has died too often in a row: nothing serves any more, and the daemon has to end. */
  readonly failed: Promise<DaemonError>;
  /** What runs was seen to differ from its text: the next apply reloads, even the same text. */
  doubt(): void;
  /** Each HAProxy that hung, once it was ended. */
  readonly hung: Source<Hang>;
  /** The one that serves died, and refused to start more than once; the cause of a pass. At most once in 10 minutes. */
  readonly startsRefused: Source<string>;
  /** Looks for hangs until the signal aborts. */
  watchForHangs(signal: AbortSignal): Promise<void>;
  /** Lets every generation finish its connections; true when all did within the grace, of which `skip` leaves 1 s. */
  drain(graceMs: number, skip: AbortSignal): Promise<boolean>;
  /** The runtime socket of the generation that serves. */
  readonly socket: string;
  /** What serves, with the text that it runs; undefined while that is being changed, or is not known. */
  readonly running: RunningProxy | undefined;
  /** Files that its text names, with other content than when it read them. Never rejects. */
  changedFiles(): Promise<string[]>;
  readonly status: ProxyStatus;
  /** Since when the HAProxy that serves has run, as far as this daemon knows (monotonic); undefined when none runs. */
  readonly servingSinceMs: number | undefined;
  /** Since when none serves where one did (monotonic): since it died, or, when it hung, since its last answer. */
  readonly downSinceMs: number | undefined;
  readonly reload: ReloadStatus;
}

/** Opens the generations of a data folder, adopting what an earlier daemon left running there. */
export async function openGenerations(ports: GenerationsPorts): Promise<Generations> {
  const state = await openGenerationsState(ports);
  const {committedPath, generations, failed, planner} = state;
  return {
    committedPath,
    failed: failed.promise,
    hung: state.hung,
    startsRefused: state.startsRefused,
    watchForHangs: signal => watch(state, signal),
    get text() {
      return state.textIs === 'adopted' ? undefined : generations.current?.text;
    },
    isServing: text => isServing(state, text),
    mayTellFirst: text => mayTellFirst(state, text),
    foresee: text => foresee(state, text),
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
    get isApplying() {
      return state.isApplying;
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
    changedFiles: () => findChangedFiles(generations.current?.filesRead ?? new Map(), ports.files),
    get servingSinceMs() {
      const job = state.generations.current?.supervisor.job;
      return job?.is === 'RUNNING' ? job.sinceMs : undefined;
    },
    get downSinceMs() {
      return state.down?.generation === generations.current?.number ? state.down?.sinceMs : undefined;
    },
    get status() {
      return statusOf(state);
    },
    get reload() {
      return {...planner.summary(generations.current?.text ?? ''), capabilities: ports.capabilities};
    },
  };
}

function isServing({textIs, generations: {current}}: GenerationsState, text: string): boolean {
  return textIs === 'known' && current?.text === text && current.supervisor.job.is !== 'FATAL';
}

async function mayTellFirst(state: GenerationsState, text: string): Promise<boolean> {
  const {textIs, generations, runtime} = state;
  const {current} = generations;
  return textIs === 'known' && current !== undefined && runtime.isChange(current, text);
}

async function watch(state: GenerationsState, signal: AbortSignal): Promise<void> {
  const {ports, generations, liveness} = state;
  const drainPorts = {
    ...ports,
    finishing: generations.finishing,
    answersOf: (pid: number) => ports.followers?.answersOf(pid),
    onHang: (hang: Hang) => noteHang(state, hang),
  };
  await Promise.all([
    watchForHangs(liveness, () => generations.current, {clock: ports.clock, signal}),
    watchDrains(drainPorts, signal),
  ]);
}

function drain(
  {ports, generations, ownedSockets}: GenerationsState,
  graceMs: number,
  skip: AbortSignal,
): Promise<boolean> {
  // Our own copies would keep the addresses alive, with nobody behind them.
  ownedSockets.keepOnly([]);
  return drainAll(generations.all(), graceMs, skip, ports);
}

function runningOf({generations: {current}, isApplying, textIs}: GenerationsState): RunningProxy | undefined {
  if (current === undefined || isApplying || textIs !== 'known') return undefined;
  const {job, child} = current.supervisor;
  if (job.is !== 'RUNNING' || child === undefined) return undefined;
  return {pid: child.pid, socket: current.paths.socket, text: current.read};
}

function statusOf({generations, restarts, liveness, hangs, ports}: GenerationsState): ProxyStatus {
  const {current} = generations;
  const silence = current === undefined ? NO_WAITING : liveness.silence(current);
  return {
    state: current?.supervisor.job.is ?? 'STOPPED',
    pid: current?.supervisor.child?.pid ?? null,
    generation: current?.number ?? 0,
    restarts,
    ...describeSilence(silence, ports.hangMs),
    hangs,
    draining: generations.draining(),
  };
}
