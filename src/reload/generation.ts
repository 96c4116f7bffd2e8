import {DaemonError, rethrowBug, StartRefused, systemCodeOf} from '../errors.ts';
import type {Job, JobSettings, Ladder} from '../jobs/job.ts';
import type {Supervisor, SupervisorPorts} from '../jobs/supervisor.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import type {Child, OnLine, Spawn} from '../ports/spawn.ts';
import {writeFault} from '../ports/write-fault.ts';
import {findReason} from '../proxy/output.ts';
import type {SocketAddress} from './bind-only.ts';
import {
  type ControlSettings,
  deriveControl,
  type GenerationPaths,
  haproxyArguments,
  START_BESIDE,
  type StartOptions,
} from './files.ts';
import {type FilesRead, noteFiles} from './files-read.ts';
import {type Inheritance, nothingInherited} from './inherited-sockets.ts';

/** One HAProxy process (through its restarts) with the text it runs and the files it was given. */
export interface Generation {
  readonly number: number;
  /** What it runs: what it was started with, changed at run time since. */
  readonly text: string;
  /** The same as HAProxy knows it: with spare servers. */
  readonly read: string;
  readonly paths: GenerationPaths;
  readonly supervisor: Supervisor;
}

export interface GenerationPorts {
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
  readonly spawn: Spawn;
  readonly haproxy: string;
  readonly supervise: (name: string, fields: Record<string, unknown>, ports: SupervisorPorts) => Supervisor;
  /** One command on a runtime socket; the whole answer, within `limitMs` where that is given. */
  readonly ask: (socket: string, command: string, limitMs?: number, signal?: AbortSignal) => Promise<string>;
  /** The PID that a `show info` answer names. */
  readonly pidIn: (answer: string) => number | undefined;
  /** Each line HAProxy writes. */
  readonly onOutput: (generation: number, pid: number | undefined, ...line: Parameters<OnLine>) => void;
  /** A file with a log target for this text's `log global`, if it needs one. Never rejects. */
  readonly logFileFor?: (text: string) => Promise<string | undefined>;
  /** Writes the files of one that is started anew again, where somebody removed them. */
  readonly restore?: (generation: Given) => Promise<void>;
  readonly onLaunch: (generation: StagedGeneration, child: Child) => void;
  readonly onChange: (generation: StagedGeneration, job: Job) => void;
  /** The descriptors of sockets that the daemon owns. Throws APPLY. */
  readonly descriptors: (sockets: readonly SocketAddress[]) => number[];
  /** A start that takes longer is hopeless. */
  readonly readyWithinMs: number;
}

/** 10,000 checked servers took 2.7 s. */
export const READY_WITHIN_MS = 60_000;
const READY_POLL_MS = 5;

/** A candidate gets one try; the loop decides about the next. */
const CANDIDATE: Omit<JobSettings, 'readyWithinMs'> = {retries: 0, delayMs: () => 0, stableMs: 0};

/** The first restart is at once, since nothing serves; the sixth death in a row is the end. */
const RESTART_DELAYS_MS = [0, 100, 500, 2000, 5000];
const SERVING: Omit<JobSettings, 'readyWithinMs'> = {
  retries: RESTART_DELAYS_MS.length,
  delayMs: failures => RESTART_DELAYS_MS[failures - 1] ?? 0,
  stableMs: 10_000,
};

/** While a successor takes over by `-sf`, an exit is what was asked for: no restart before the outcome is known. */
const AWAITING_SUCCESSOR: typeof SERVING = {...SERVING, delayMs: () => 2 * READY_WITHIN_MS};

const OUTPUT_TAIL_LINES = 20;

/** Has HAProxy finish its connections and go. */
export const FINISH = 'SIGUSR1';

/** Ends a process whatever its connections. */
export const TERMINATE: Ladder = [
  {signal: 'SIGTERM', graceMs: 5000},
  {signal: 'SIGKILL', graceMs: 0},
];

/** Ends one that does not obey: its connections are lost already, or hold up those of others. */
export const END: Ladder = [
  {signal: 'SIGTERM', graceMs: 250},
  {signal: 'SIGKILL', graceMs: 0},
];

export const hasProcess = (job: Job): boolean => job.is === 'STARTING' || job.is === 'RUNNING' || job.is === 'STOPPING';

/** A generation that has been staged: its files are written, its process not yet started. */
export interface StagedGeneration extends Generation {
  /**
   * Starts it and resolves when it is ready; rejects with APPLY, with what it wrote as the detail, or once it is ended
   * with the reason of `signal`.
   */
  start(options: StartOptions, signal?: AbortSignal): Promise<void>;
  /** Deaths from now on are answered with restarts: this is the one that serves. */
  promote(): void;
  /** Deaths from now on are left alone: a successor is being started that tells this one to go. */
  expectSuccessor(): void;
  /** The successor failed: this one serves again, started anew if it has gone already. */
  serveOn(): void;
  /** The sockets of the daemon's that it listens on. */
  readonly inheritance: Inheritance;
  /** Of the process that runs; none of one that an earlier daemon started. */
  readonly filesRead: FilesRead;
  /** It was told of `text` over its socket and runs that now, which it knows as `read`; its files say so already. */
  runsNow(text: string, read?: string): void;
}

/** What a generation is made of; `read` is the text itself where it is absent. */
export type Given = Pick<StagedGeneration, 'number' | 'text' | 'paths' | 'inheritance'> & {readonly read?: string};

/** Writes the files of a generation. Rejects with APPLY when they cannot be written (a full disk). */
export async function writeGeneration(
  files: Files,
  paths: GenerationPaths,
  text: string,
  control: ControlSettings,
): Promise<void> {
  try {
    await files.replace(paths.configuration, text, 0o600);
    await writeRewritten(files, {text, read: text, paths, inheritance: nothingInherited});
    await files.replace(paths.control, deriveControl(paths, control), 0o600);
  } catch (cause) {
    throw writeFault(paths.configuration, cause);
  }
}

/** Writes the text as HAProxy reads it, where that is not the user's. */
export async function writeRewritten(
  files: Pick<Files, 'replace'>,
  {text, read = text, paths, inheritance}: Omit<Given, 'number'>,
): Promise<void> {
  const rewritten = inheritance.rewrite(read);
  if (rewritten !== text) await files.replace(paths.rewritten, rewritten, 0o600);
}

interface State {
  readonly given: Given;
  readonly ports: GenerationPorts;
  settings: typeof SERVING;
  /** For the next launch alone. */
  startOnce: StartOptions;
  text: string;
  filesRead: FilesRead;
  read: string;
  /** Of what its process wrote. */
  tail: readonly string[];
}

export function createGeneration(given: Given, ports: GenerationPorts): StagedGeneration {
  const {clock, log} = ports;
  const {text, read = text} = given;
  const state: State = {
    given,
    ports,
    settings: CANDIDATE,
    startOnce: START_BESIDE,
    text,
    read,
    filesRead: new Map(),
    tail: [],
  };
  const generation: StagedGeneration = {
    ...given,
    get text() {
      return state.text;
    },
    get filesRead() {
      return state.filesRead;
    },
    get read() {
      return state.read;
    },
    supervisor: ports.supervise(
      'haproxy',
      {generation: given.number},
      {
        clock,
        log,
        launch: () => launch(state, child => ports.onLaunch(generation, child)),
        untilReady: (child, signal) => untilReady(state, child, signal),
        settings: () => ({...state.settings, readyWithinMs: ports.readyWithinMs}),
        onChange: job => ports.onChange(generation, job),
      },
    ),
    async start(options, signal) {
      const {supervisor} = generation;
      signal?.throwIfAborted();
      state.startOnce = options;
      supervisor.start();
      const giveUp = () => supervisor.stop(END);
      signal?.addEventListener('abort', giveUp, {once: true});
      const job = await supervisor.reached(({is}) => is !== 'STARTING' && is !== 'STOPPING');
      signal?.removeEventListener('abort', giveUp);
      if (job.is !== 'RUNNING') {
        signal?.throwIfAborted();
        throw startFault(job, state.tail);
      }
      // At once: one that dies before its text is committed would be FATAL, and nobody's to restart.
      generation.promote();
    },
    promote() {
      state.settings = SERVING;
    },
    expectSuccessor() {
      state.settings = AWAITING_SUCCESSOR;
    },
    serveOn() {
      state.settings = SERVING;
      if (generation.supervisor.job.is !== 'BACKOFF') return;
      generation.supervisor.stop([]);
      generation.supervisor.start();
    },
    runsNow(text, read = text) {
      state.text = text;
      state.read = read;
    },
  };
  return generation;
}

async function launch(state: State, onLaunch: (child: Child) => void): Promise<Child> {
  const {given, ports, startOnce} = state;
  const {configuration, rewritten, control} = given.paths;
  const {sockets, rewrite} = given.inheritance;
  state.tail = [];
  state.startOnce = START_BESIDE;
  // A candidate's were written a moment ago.
  if (state.settings !== CANDIDATE) await ports.restore?.({...given, text: state.text, read: state.read});
  const logFile = await ports.logFileFor?.(given.text);
  state.filesRead = await noteFiles(state.text, ports.files);
  let pid: number | undefined;
  const own = rewrite(state.read) === state.text ? configuration : rewritten;
  const args = haproxyArguments([...(logFile ? [logFile] : []), own, control], startOnce);
  const command = {file: ports.haproxy, args, descriptors: ports.descriptors(sockets)};
  const child = await ports.spawn.start(command, (line, stream) => {
    state.tail = [...state.tail.slice(1 - OUTPUT_TAIL_LINES), line];
    ports.onOutput(given.number, pid, line, stream);
  });
  pid = child.pid;
  onLaunch(child);
  return child;
}

/** A probe connection would prove nothing, the kernel may hand it to the old process: ask the new one who it is. */
async function untilReady({given, ports}: State, child: Child, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      if (ports.pidIn(await ports.ask(given.paths.socket, 'show info')) === child.pid) return;
    } catch (error) {
      rethrowBug(error);
      ports.log.trace({generation: given.number, code: systemCodeOf(error)}, 'runtime socket not yet there');
    }
    await sleep(ports.clock, READY_POLL_MS, signal);
  }
}

function startFault(job: Job, tail: readonly string[]): DaemonError {
  const exit = job.is === 'FATAL' ? (job.exit.signal ?? `exit code ${job.exit.code ?? 'none'}`) : job.is;
  const alert = findReason(tail) ?? tail[0] ?? 'it wrote nothing';
  const Fault = job.is === 'FATAL' && job.exit.code !== undefined ? StartRefused : DaemonError;
  return new Fault('APPLY', `cannot start HAProxy: ${exit}: ${alert}`, {detail: tail.join('\n')});
}
