import {lstat, readdir} from 'node:fs/promises';
import {join} from 'node:path';

/** One file or link of an image. */
export interface Entry {
  /** Relative to the folder that was listed. */
  readonly path: string;
  readonly bytes: number;
}

/** Everything below `folder` that is no folder; nothing when there is no such folder. */
export async function listFolder(folder: string): Promise<readonly Entry[]> {
  const entries = await readdir(folder, {recursive: true, withFileTypes: true}).catch(() => []);
  const files = entries.filter(entry => !entry.isDirectory()).map(entry => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async path => ({path: path.slice(folder.length + 1), bytes: (await lstat(path)).size})));
}

export const totalBytes = (entries: readonly Entry[]): number => entries.reduce((sum, {bytes}) => sum + bytes, 0);
