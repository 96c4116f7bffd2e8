import {constants} from 'node:fs';
import type {FileHandle} from 'node:fs/promises';
import {mkdir, open, readdir, readFile, rename, rm, stat, symlink, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {rethrowBug, systemCodeOf} from '../errors.ts';
import {temporaryBeside} from './temporary.ts';

/** A file written in full beside its target, waiting to take its place. */
export interface PreparedFile {
  /** Puts the file in place (rename, folder synced). The target is the old or the new text at every instant. */
  commit(): Promise<void>;
  /** Removes the temporary file; nothing happens once committed. */
  discard(): Promise<void>;
}

/** The file effects that rooms need. Every method rejects with Node's own error; none leaves a half-written target, or a temporary file. */
export interface Files {
  /** The text (UTF-8) of a file, or undefined when there is none. */
  readText(path: string): Promise<string | undefined>;
  /** Differs once the file was written or replaced, with the same text or not; undefined when there is none. */
  readStamp(path: string): Promise<string | undefined>;
  /** In bytes; undefined when there is none. */
  readSize(path: string): Promise<number | undefined>;
  /** Writes and syncs `text` to a temporary file in the folder of `path`. */
  prepare(path: string, text: string, mode?: number): Promise<PreparedFile>;
  /** `prepare` and `commit` in one: durable and atomic. */
  replace(path: string, text: string, mode?: number): Promise<void>;
  /** Writes bytes to a file that only has to last as long as we do: neither synced nor atomic. A link there is refused. */
  replaceBytes(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a folder with all in it; absent is fine. */
  remove(path: string): Promise<void>;
  /** With those above it, each of this mode; one that is there stays as it is. */
  makeFolder(path: string, mode?: number): Promise<void>;
  /** The names in a folder; none when it is absent. */
  list(path: string): Promise<string[]>;
  /** Makes `path` a symbolic link to `target`, replacing what was there in one step. */
  pointLink(path: string, target: string): Promise<void>;
}

/** As `w`, but where a link stands it is refused (ELOOP): it may lead to a file of somebody else. */
const NO_LINK = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;

const syncFolder = async (path: string): Promise<void> => {
  await using folder = await open(path, 'r');
  await folder.sync();
};

/** A file that was not there before: what somebody put in its place, a link to another file perhaps, is removed. */
async function create(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'wx', mode);
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
    await rm(path);
    return open(path, 'wx', mode);
  }
}

async function writeSynced(path: string, text: string, mode: number): Promise<void> {
  await using file = await create(path, mode);
  await file.writeFile(text);
  await file.sync();
}

/** Where somebody removed the folder (not those above it: it may be a volume that is gone), it is made again. */
async function writeInFolder(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeSynced(path, text, mode);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
    await mkdir(dirname(path));
    await writeSynced(path, text, mode);
  }
}

async function prepare(path: string, text: string, mode = 0o644): Promise<PreparedFile> {
  const temporary = temporaryBeside(path);
  let pending = true;
  try {
    await writeInFolder(temporary, text, mode);
  } catch (error) {
    // Where nothing can be written, nothing can be removed either: what went wrong first is told.
    await rm(temporary, {force: true}).catch(rethrowBug);
    throw naming(path, error);
  }
  return {
    async commit() {
      await rename(temporary, path);
      pending = false;
      await syncFolder(dirname(path));
    },
    async discard() {
      if (pending) await rm(temporary, {force: true});
    },
  };
}

/** Node names no file where an open one fails: `ENOSPC: no space left on device, write`. */
function naming(path: string, error: unknown): unknown {
  if (systemCodeOf(error) === undefined || !(error instanceof Error) || 'path' in error) return error;
  error.message += ` '${path}'`;
  return Object.assign(error, {path});
}

const unlessAbsent = async <Content>(reading: Promise<Content>): Promise<Content | undefined> => {
  try {
    return await reading;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
};

export const systemFiles: Files = {
  readText: path =>
    unlessAbsent(readFile(path, 'utf8')).catch(error => {
      throw naming(path, error);
    }),
  readStamp: path =>
    unlessAbsent(stat(path, {bigint: true}).then(({ino, mtimeNs, size}) => `${ino} ${mtimeNs} ${size}`)),
  readSize: path => unlessAbsent(stat(path).then(({size}) => size)),
  prepare,
  async replace(path, text, mode) {
    const prepared = await prepare(path, text, mode);
    try {
      await prepared.commit();
    } finally {
      await prepared.discard();
    }
  },
  async replaceBytes(path, bytes, mode) {
    await writeFile(path, bytes, {mode, flag: NO_LINK});
  },
  rename,
  remove: path => rm(path, {force: true, recursive: true}),
  async makeFolder(path, mode) {
    await mkdir(path, {recursive: true, mode});
  },
  async list(path) {
    try {
      return await readdir(path);
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return [];
      throw error;
    }
  },
  async pointLink(path, target) {
    const temporary = temporaryBeside(path);
    await symlink(target, temporary);
    try {
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, {force: true});
      throw error;
    }
  },
};
