import {execFile} from 'node:child_process';

/** What a podman command left behind. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** No single podman command of these tests takes this long, unless something hangs. */
const TIMEOUT_MS = 60_000;

/** Runs `podman` on the storage that verify.sh made (CONTAINERS_STORAGE_CONF). Never rejects: look at `code`. */
export const tryPodman = (...args: string[]): Promise<Ran> =>
  new Promise(resolve => {
    execFile('podman', args, {timeout: TIMEOUT_MS, maxBuffer: 64 << 20}, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({code, stdout, stderr});
    });
  });

/** The same, its standard output trimmed; rejects with what podman said when it fails. */
export async function podman(...args: string[]): Promise<string> {
  const {code, stdout, stderr} = await tryPodman(...args);
  if (code !== 0) throw new Error(`cannot run podman ${args.slice(0, 2).join(' ')}: exit code ${code}\n${stderr}`);
  return stdout.trim();
}
