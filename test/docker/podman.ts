import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {imagesFolder} from '../support/parts.ts';

/** What a podman command left behind. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** No single podman command of these tests takes this long, unless something hangs. */
const TIMEOUT_MS = 60_000;

/** Never anybody else's containers: this run's own storage, and the settings that build.sh wrote beside it. */
const environment = (): NodeJS.ProcessEnv => {
  if (imagesFolder === undefined) throw new Error('cannot run podman: KONTROL_IMAGES names no folder');
  return {
    ...process.env,
    CONTAINERS_STORAGE_CONF: join(imagesFolder, 'storage.conf'),
    CONTAINERS_CONF: join(imagesFolder, 'containers.conf'),
  };
};

/** Runs `podman` on the storage that the images were built in. Never rejects for its failure: look at `code`. */
export const tryPodman = (...args: string[]): Promise<Ran> =>
  new Promise(resolve => {
    const options = {timeout: TIMEOUT_MS, maxBuffer: 64 << 20, env: environment()};
    execFile('podman', args, options, (error, stdout, stderr) => {
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
