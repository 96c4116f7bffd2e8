import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** A fresh folder, removed with all in it when it is disposed. */
export async function openFolder(): Promise<AsyncDisposable & {readonly path: string}> {
  const path = await mkdtemp(join(tmpdir(), 'kontrol-'));
  return {path, [Symbol.asyncDispose]: () => rm(path, {force: true, recursive: true})};
}
