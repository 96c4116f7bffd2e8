import {execa} from 'execa';
import type {Clock} from './clock.ts';
import {readLines} from './lines.ts';
import type {Command, Exit} from './spawn.ts';

export interface CaptureOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Of its stdout; one byte more and it is ended. */
  readonly maxBytes: number;
  readonly onErrorLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What a command came to; `ended` says who ended it. */
export interface Captured extends Exit {
  readonly stdout: Buffer;
  readonly ended: 'itself' | 'timeout' | 'overflow' | 'abort';
}

export type Capture = (command: Command, options: CaptureOptions) => Promise<Captured>;

/** An ended command gets this long between SIGTERM and SIGKILL. */
const KILL_DELAY_MS = 1000;

/** How long after its exit a grandchild that holds the pipe may keep us. */
const OUTPUT_DELAY_MS = 200;

/**
 * Runs a command in a process group of its own and keeps what it writes to stdout. At the time limit, over `maxBytes`
 * and on abort the whole group is ended. Rejects when it cannot be started.
 */
export const captureGroup: Capture = async (command, {clock, timeoutMs, maxBytes, onErrorLine, signal}) => {
  const child = execa(command.file, command.args, {
    ...(command.env && {env: command.env}),
    buffer: false,
    cleanup: false,
    detached: true,
    reject: false,
    stdin: 'ignore',
  });
  const {pid} = child;
  if (pid === undefined) {
    const {cause, message} = await child;
    throw cause ?? new Error(message ?? `cannot start ${command.file}`);
  }
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  let ended: Captured['ended'] = 'itself';
  let cancelKill = () => {};

  const killGroup = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name);
    } catch {
      // Nobody is left of it.
    }
  };
  const end = (why: Captured['ended']): void => {
    if (ended !== 'itself') return;
    ended = why;
    killGroup('SIGTERM');
    cancelKill = clock.after(KILL_DELAY_MS, () => killGroup('SIGKILL'));
  };
  const onAbort = () => end('abort');
  const cancelTimeout = clock.after(timeoutMs, () => end('timeout'));
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, {once: true});

  child.stdout.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes <= maxBytes) chunks.push(chunk);
    else end('overflow');
  });
  readLines(child.stderr, onErrorLine);

  const exit = await new Promise<Exit>(resolve => {
    const finish = (code: number | null, name: NodeJS.Signals | null) =>
      resolve({code: code ?? undefined, signal: name ?? undefined});
    child.nodeChildProcess.once('close', finish);
    child.nodeChildProcess.once('exit', (code, name) => {
      setTimeout(finish, OUTPUT_DELAY_MS, code, name);
    });
  });
  cancelTimeout();
  cancelKill();
  signal?.removeEventListener('abort', onAbort);
  // What it left behind must not outlive the one who was ended for it.
  if (ended !== 'itself') killGroup('SIGKILL');
  return {...exit, stdout: Buffer.concat(chunks), ended};
};
