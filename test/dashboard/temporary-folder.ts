import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** A fresh folder that goes with all in it. */
export async function makeTemporaryFolder(): Promise<AsyncDisposable & {readonly path: string}> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-test-'));
  return {path, [Symbol.asyncDispose]: () => rm(path, {recursive: true, force: true})};
}
