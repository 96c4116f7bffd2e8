import {mkdir, readdir, rm, stat, unlink} from 'node:fs/promises';
import {connect, createServer, type Server} from 'node:net';
import {dirname, resolve} from 'node:path';
import {DaemonError, reasonOf, systemCodeOf} from '../errors.ts';
import {isTemporary} from '../ports/temporary.ts';
import {adviceOn} from '../ports/write-fault.ts';

const OWNER_ONLY = 0o700;

/**
 * Makes the data folder when there is none and locks it against a second daemon: a UNIX socket that the kernel closes
 * however we die, and that is seen across PID and network namespaces, unlike a PID. Rejects with DATA.
 */
export async function openDataFolder(path: string): Promise<AsyncDisposable> {
  try {
    await makeFolder(resolve(path));
  } catch (cause) {
    throw new DaemonError(
      'DATA',
      `cannot use KONTROL_DATA ${path}: ${reasonOf(cause)}; mount or make a writable folder`,
      {cause},
    );
  }
  const lockPath = `${path}/daemon.lock`;
  const server = await bind(lockPath).catch(async (error: unknown) => {
    if (systemCodeOf(error) !== 'EADDRINUSE') throw refuse(path, error);
    if (await answers(lockPath)) {
      throw new DaemonError(
        'DATA',
        `cannot use KONTROL_DATA ${path}: another daemon runs on it; stop it or set another folder`,
      );
    }
    return await unlink(lockPath)
      .then(() => bind(lockPath))
      .catch(again => {
        throw refuse(path, again);
      });
  });
  await sweepTemporary(path);
  return {[Symbol.asyncDispose]: () => new Promise(resolve => server.close(() => resolve()))};
}

/** With those above it. Node's own `recursive` never ends where the kernel says ENOENT for good, as under /proc. */
async function makeFolder(path: string): Promise<void> {
  const make = () => mkdir(path, OWNER_ONLY);
  await make()
    .catch(async error => {
      if (systemCodeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
      await makeFolder(dirname(path));
      await make();
    })
    .catch(async error => {
      const isThere = systemCodeOf(error) === 'EEXIST' && (await stat(path)).isDirectory();
      if (!isThere) throw error;
    });
}

/** What a daemon that was killed in the middle of a write left behind; safe to remove once the lock is ours. */
async function sweepTemporary(path: string): Promise<void> {
  // Not deeper: the volume may hold folders that are not ours to read (`lost+found`).
  for (const folder of [path, `${path}/run`, `${path}/history`, `${path}/certs`]) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter(isTemporary)) await rm(`${folder}/${name}`, {force: true});
  }
}

const refuse = (path: string, cause: unknown): DaemonError =>
  new DaemonError('DATA', `cannot lock KONTROL_DATA ${path}: daemon.lock: ${adviceOn(`${path}/daemon.lock`, cause)}`, {
    cause,
  });

const bind = (path: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => resolve(server.unref()));
  });

const answers = (path: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // A queue that is full (EAGAIN) is somebody's, who is slow to look at it.
    socket.once('error', error => resolve(!['ECONNREFUSED', 'ENOENT'].includes(systemCodeOf(error) ?? '')));
  });
