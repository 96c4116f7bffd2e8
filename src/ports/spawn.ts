import {execa} from 'execa';
import {readLines} from './lines.ts';

/** A program and its arguments; never a shell line. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Open descriptors of ours that the process gets as its 3, 4, …; `start` only. */
  readonly descriptors?: readonly number[];
}

/** How a process ended, by its code or a signal; neither is set where nobody saw it, or there was none. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** Why there was no process in the first place. */
  readonly unstarted?: string;
}

/** A process that is watched: one of our own, or one adopted from an earlier daemon. */
export interface Child {
  readonly pid: number;
  /** Resolves once, when the process is gone and its output was read. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Sends a signal; false when the process is already gone. Never reaches a stranger with a reused PID. */
  kill(signal: NodeJS.Signals): boolean;
}

/** A process that we started, the first of its own session and process group. */
export interface OwnChild extends Child {
  /** Signals all that it started and that stayed in its group; false when none is left. Signal 0 only asks. */
  killGroup(signal: NodeJS.Signals | 0): boolean;
}

export type OutputStream = 'stdout' | 'stderr';
export type OnLine = (line: string, stream: OutputStream) => void;

/** What a command that ran to its end left behind; `code` is undefined when a signal or the time limit ended it. */
export interface Finished extends Exit {
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly input?: string | Promise<string>;
  readonly signal?: AbortSignal;
}

export interface Spawn {
  /**
   * Starts a process in its own session, so that a Ctrl-C at our terminal and our own death leave it running, and
   * hands over its output line by line for as long as it lives (an unread pipe hangs HAProxy). Rejects when the
   * program cannot be started.
   */
  start(command: Command, onLine: OnLine): Promise<OwnChild>;
  /**
   * Runs a short command to its end; kills it after `timeoutMs`, or when `signal` aborts. It can be started before its
   * input is known. Rejects when the program cannot be started.
   */
  run(command: Command, options: RunOptions): Promise<Finished>;
}

/** More output than this from a short command is a fault of the command. */
const OUTPUT_LIMIT_CHARACTERS = 1 << 20;

/** How long after its exit a process's last lines may still arrive. */
const OUTPUT_DELAY_MS = 200;

/** A killed command gets this long between SIGTERM and SIGKILL. */
const KILL_DELAY_MS = 1000;

const exitOf = (code: number | null | undefined, signal: NodeJS.Signals | null | undefined): Exit => ({
  code: code ?? undefined,
  signal: signal ?? undefined,
});

async function* inputOf(input: string | Promise<string>): AsyncGenerator<string> {
  yield await input;
}

export const systemSpawn: Spawn = {
  async start(command, onLine) {
    // The types know 3 to 9 only; any descriptor of ours can be handed on.
    const descriptors = (command.descriptors ?? []) as readonly 3[];
    const child = execa(command.file, command.args, {
      ...(command.env && {env: command.env}),
      buffer: false,
      cleanup: false,
      detached: true,
      reject: false,
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
    });
    const exited = new Promise<Exit>(resolve => {
      // `close` follows the last line of output; a grandchild that keeps the pipe open may not delay the news.
      child.nodeChildProcess.once('close', (code, signal) => resolve(exitOf(code, signal)));
      child.nodeChildProcess.once('exit', (code, signal) => {
        setTimeout(() => resolve(exitOf(code, signal)), OUTPUT_DELAY_MS);
      });
    });
    if (child.pid === undefined) {
      const {cause, message} = await child;
      throw cause ?? new Error(message ?? `cannot start ${command.file}`);
    }
    readLines(child.stdout, line => onLine(line, 'stdout'));
    readLines(child.stderr, line => onLine(line, 'stderr'));
    const {pid} = child;
    return {
      pid,
      exited,
      kill: signal => child.kill(signal),
      killGroup(signal) {
        try {
          return process.kill(-pid, signal);
        } catch {
          return false;
        }
      },
    };
  },

  async run(command, {timeoutMs, input, signal}) {
    const running = execa(command.file, command.args, {
      ...(command.env && {env: command.env}),
      ...(signal && {cancelSignal: signal}),
      ...(input === undefined ? {stdin: 'ignore'} : {stdin: inputOf(input)}),
      forceKillAfterDelay: KILL_DELAY_MS,
      maxBuffer: OUTPUT_LIMIT_CHARACTERS,
      reject: false,
      stripFinalNewline: false,
      timeout: timeoutMs,
    });
    const {stdout: output, stderr: errors, nodeChildProcess} = running;
    nodeChildProcess.once('exit', () => {
      // What it started itself may hold the pipes for as long as it likes.
      setTimeout(() => [output, errors].map(stream => stream.destroy()), OUTPUT_DELAY_MS).unref();
    });
    const result = await running;
    if (result.exitCode === undefined && result.signal === undefined) {
      throw result.cause ?? new Error(result.message ?? `cannot run ${command.file}`);
    }
    const {stdout, stderr, timedOut} = result;
    return {...exitOf(result.exitCode, result.signal as NodeJS.Signals | undefined), stdout, stderr, timedOut};
  },
};
