import {type ChildProcess, type ChildProcessByStdio, spawn} from 'node:child_process';
import {realpathSync} from 'node:fs';
import type {Readable, Writable} from 'node:stream';
import {fileURLToPath} from 'node:url';
import {PACKAGE_ROOT} from '../package-root.ts';
import {createFrameReader} from './frames.ts';
import {MAX_OUTPUT} from './jinja/run.ts';

/** V8's heap in the render process, in MiB: 10,000 hosts with their pods take less than a tenth. */
export const HEAP_MIB = 256;

/** A character takes at most 3 bytes; the marks of its lines take a few more. */
const MAX_ANSWER_BYTES = 4 * MAX_OUTPUT;

const STDERR_CHARACTERS = 4096;

/** Why a process gave no answer. */
export type NoAnswer =
  | {readonly is: 'died'; readonly how: string; readonly outOfMemory: boolean}
  | {readonly is: 'flooded'}
  | {readonly is: 'timed out'}
  | {readonly is: 'aborted'};

export type FrameAnswer = {readonly is: 'answered'; readonly texts: readonly string[]} | NoAnswer;

/** A render process. Whatever gives no answer in time is killed; a killed one answers no more. */
export interface RenderProcess {
  readonly pid: number | undefined;
  readonly isAlive: boolean;
  /** Sends a frame (nothing: waits for what the process says by itself) and waits for a frame. One at a time. */
  ask(frame: Buffer | undefined, options: {timeoutMs: number; signal?: AbortSignal}): Promise<FrameAnswer>;
  kill(): void;
}

const isBundled = !import.meta.url.endsWith('.ts');
const entry = fileURLToPath(
  new URL(`${isBundled ? 'dist' : 'src/template'}/render-child.${isBundled ? 'js' : 'ts'}`, PACKAGE_ROOT),
);

/** What the process may read: its one bundled file; from `src/` this package, and where its dependency lies. */
function readable(): string[] {
  if (isBundled) return [entry];
  const own = fileURLToPath(PACKAGE_ROOT);
  const dependency = fileURLToPath(import.meta.resolve('nunjucks'));
  const modules = dependency.slice(0, dependency.lastIndexOf('node_modules') + 'node_modules'.length);
  return [...new Set([own, modules, realpathSync(own), realpathSync(modules)])].map(folder =>
    folder.replace(/\/?$/, '/*'),
  );
}

const flags = (): string[] => [
  `--max-old-space-size=${HEAP_MIB}`,
  '--disallow-code-generation-from-strings',
  '--permission',
  ...readable().map(path => `--allow-fs-read=${path}`),
  '--no-warnings',
];

/**
 * Starts a process for templates: nothing of our environment, no descriptor but its three pipes, a limited heap, no
 * code from strings, and by Node's permissions no file beyond its own sources, no process, no worker, no add-on.
 */
export function startRenderProcess(): RenderProcess {
  const child = spawn(process.execPath, [...flags(), entry], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Without a descriptor left there are no pipes either, and the reason comes a moment later.
  return (child.stdin as Writable | undefined) === undefined ? neverStarted(child) : superviseChild(child);
}

function neverStarted(child: Pick<ChildProcess, 'once'>): RenderProcess {
  const died = new Promise<NoAnswer>(resolve => {
    child.once('error', ({message}) => resolve({is: 'died', how: message, outOfMemory: false}));
  });
  return {pid: undefined, isAlive: false, ask: () => died, kill() {}};
}

function superviseChild(child: ChildProcessByStdio<Writable, Readable, Readable>): RenderProcess {
  const read = createFrameReader(MAX_ANSWER_BYTES);
  let stderr = '';
  let isAlive = true;
  let settle: (asked: FrameAnswer) => void = () => {};

  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(0, STDERR_CHARACTERS);
  });
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      const texts = read(chunk);
      if (texts !== undefined) settle({is: 'answered', texts});
    } catch {
      end({is: 'flooded'});
    }
  });
  // A process that died while we wrote to it: `close` tells.
  child.stdin.on('error', () => {});
  child.on('error', error => died(error.message));
  child.on('close', (code, signal) => died(signal === null ? `exit code ${code}` : signal));

  const died = (how: string): void => {
    isAlive = false;
    const outOfMemory = /out of memory|Allocation failed/i.test(stderr);
    settle({is: 'died', how: outOfMemory ? how : `${how} ${stderr.split('\n')[0]}`.trim(), outOfMemory});
  };
  const end = (reason: NoAnswer): void => {
    isAlive = false;
    child.kill('SIGKILL');
    settle(reason);
  };

  return {
    pid: child.pid,
    get isAlive() {
      return isAlive;
    },
    kill: () => end({is: 'aborted'}),
    ask(frame, {timeoutMs, signal}) {
      return new Promise(resolve => {
        const onAbort = () => end({is: 'aborted'});
        // If we ourselves were held up, the answer may be there already: look at the pipe first.
        const timer = setTimeout(() => setImmediate(() => own === settle && end({is: 'timed out'})), timeoutMs);
        const own = (asked: FrameAnswer): void => {
          settle = () => {};
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          resolve(asked);
        };
        settle = own;
        if (!isAlive) return died('already gone');
        if (signal?.aborted) return onAbort();
        signal?.addEventListener('abort', onAbort, {once: true});
        if (frame !== undefined) child.stdin.write(frame);
      });
    },
  };
}
