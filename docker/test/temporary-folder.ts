import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** A folder to mount into a container; it goes when it is disposed. */
export async function temporaryFolder(): Promise<AsyncDisposable & {readonly path: string}> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-image-'));
  return {path, [Symbol.asyncDispose]: () => rm(path, {recursive: true})};
}
