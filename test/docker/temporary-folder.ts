import {chmod, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** A folder to mount into a container; it goes when it is disposed. */
export async function temporaryFolder(): Promise<AsyncDisposable & {readonly path: string}> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-image-'));
  // The container's user is another one.
  await chmod(path, 0o755);
  return {path, [Symbol.asyncDispose]: () => rm(path, {recursive: true})};
}
