import {type ChildProcess, execFileSync, spawn} from 'node:child_process';
import {cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** How a run of tests ended. */
export type Outcome = 'passed' | 'failed' | 'late';

/** A copy of the work tree in which files are broken and tests run. Gone with all in it when it is disposed. */
export interface Trial extends Disposable {
  readonly path: string;
  write(file: string, text: string): void;
  /** Runs a command in the copy. After `limitMs` it is killed with everything it started. */
  run(argv: readonly string[], limitMs: number): Promise<Outcome>;
}

/** Copies all that git knows or would add; what is installed is linked. */
export function openTrial(folder: string): Trial {
  const path = mkdtempSync(join(tmpdir(), 'kontrol-mutate-'));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {cwd: folder});
  const deleted = execFileSync('git', ['ls-files', '-z', '--deleted'], {cwd: folder}).toString().split('\0');
  for (const file of listed.toString().split('\0')) {
    if (file !== '' && !deleted.includes(file)) cpSync(join(folder, file), join(path, file));
  }
  symlinkSync(join(folder, 'node_modules'), join(path, 'node_modules'));
  const running = new Set<ChildProcess>();
  const clear = () => {
    for (const child of running) killGroup(child);
    rmSync(path, {recursive: true, force: true});
  };
  process.once('exit', clear);
  return {
    path,
    write: (file, text) => writeFileSync(join(path, file), text),
    run: (argv, limitMs) => runLimited(argv, {cwd: path, limitMs, running}),
    [Symbol.dispose]: clear,
  };
}

function killGroup({pid}: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

function runLimited(
  [file = '', ...args]: readonly string[],
  {cwd, limitMs, running}: {readonly cwd: string; readonly limitMs: number; readonly running: Set<ChildProcess>},
): Promise<Outcome> {
  // A test run inside another would report to that one.
  const {NODE_TEST_CONTEXT: _, ...env} = process.env;
  const child = spawn(file, args, {cwd, env, stdio: 'ignore', detached: true});
  running.add(child);
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child);
    }, limitMs);
    child.once('error', reject);
    child.once('exit', code => {
      clearTimeout(timer);
      killGroup(child);
      running.delete(child);
      resolve(late ? 'late' : code === 0 ? 'passed' : 'failed');
    });
  });
}
