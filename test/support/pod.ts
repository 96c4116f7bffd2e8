import {execFile} from 'node:child_process';
import {chmod, copyFile, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** A folder with what the scripts of the 2017 pod find on PATH, and files of the test's own. */
export interface PodFolder extends AsyncDisposable {
  readonly path: string;
  /** PATH with `haproxy-kontrol` and the `supervisorctl` shim first. */
  readonly env: Readonly<Record<string, string>>;
  file(name: string): string;
  /** Writes a file of the folder and gives its path. */
  write(name: string, text: string, mode?: number): Promise<string>;
}

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

export async function openPodFolder(): Promise<PodFolder> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-pod-'));
  const file = (name: string) => join(path, name);
  const write = async (name: string, text: string, mode = 0o644) => {
    await writeFile(file(name), text, {mode});
    return file(name);
  };
  await write('haproxy-kontrol', `#!/bin/sh\nexec "${process.execPath}" "${REPOSITORY}dist/main.js" "$@"\n`, 0o755);
  await copyFile(join(REPOSITORY, 'docker/supervisorctl'), file('supervisorctl'));
  await chmod(file('supervisorctl'), 0o755);
  return {
    path,
    env: {PATH: `${path}:${process.env.PATH}`},
    file,
    write,
    [Symbol.asyncDispose]: () => rm(path, {recursive: true, force: true}),
  };
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell line to its end, a minute at most. */
export function shell(line: string, env: Readonly<Record<string, string>> = {}, input?: string | Buffer): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(
      '/bin/sh',
      ['-c', line],
      {env: {...process.env, ...env}, timeout: 60_000, maxBuffer: 64 << 20},
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1;
        resolve({code, stdout, stderr});
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
