import assert from 'node:assert/strict';
import {fork} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {mkdir, readdir, writeFile} from 'node:fs/promises';
import {connect} from 'node:net';
import {join} from 'node:path';
import {test} from 'node:test';
import {openDataFolder} from '../../src/config/data-folder.ts';
import {openFolder} from '../support/folder.ts';

const HOLDER = join(import.meta.dirname, 'folder-holder.ts');

test('data folder, absent -> made for its owner alone, locked until it is disposed', async () => {
  await using folder = await openFolder();
  const path = join(folder.path, 'deep', 'data');
  {
    await using _lock = await openDataFolder(path);
    await assert.rejects(openDataFolder(path), {code: 'DATA', message: /another daemon runs on it; stop it or set/});
  }
  await using _again = await openDataFolder(path);
});

test('data folder, its daemon killed -9 -> free again', async () => {
  await using folder = await openFolder();
  const holder = fork(HOLDER, [folder.path]);
  await once(holder, 'message');
  await assert.rejects(openDataFolder(folder.path), {code: 'DATA'});
  const gone = once(holder, 'exit');
  holder.kill('SIGKILL');
  await gone;
  assert.ok(existsSync(join(folder.path, 'daemon.lock')));
  await using _lock = await openDataFolder(folder.path);
});

test('data folder, what is in the place of its lock cannot be removed -> refused, with the reason', async () => {
  await using folder = await openFolder();
  await mkdir(join(folder.path, 'daemon.lock'));
  const message = new RegExp(`^cannot lock KONTROL_DATA ${folder.path}: .*daemon.lock`);
  await assert.rejects(openDataFolder(folder.path), {code: 'DATA', message});
});

test('data folder, its daemon stopped and its queue full -> somebody has it', async () => {
  await using folder = await openFolder();
  const holder = fork(HOLDER, [folder.path]);
  await once(holder, 'message');
  holder.kill('SIGSTOP');
  // Node's listen(2) takes 511; each of these waits in the queue, or is refused with EAGAIN.
  const sockets = Array.from({length: 600}, () => connect(join(folder.path, 'daemon.lock')));
  try {
    const refused = sockets.map(socket => once(socket, 'error').then(([{code}]) => code));
    assert.equal(await Promise.race(refused), 'EAGAIN');
    await assert.rejects(openDataFolder(folder.path), {code: 'DATA', message: /another daemon runs on it/});
  } finally {
    for (const socket of sockets) socket.destroy();
    const gone = once(holder, 'exit');
    holder.kill('SIGKILL');
    await gone;
  }
});

test('data folder, that is a file -> DATA with what to do', async () => {
  await using folder = await openFolder();
  const path = join(folder.path, 'file');
  await writeFile(path, '');
  await assert.rejects(openDataFolder(path), {code: 'DATA', message: /cannot use KONTROL_DATA .*mount or make/});
});

test('data folder, where nobody can make one -> DATA with what to do', async () => {
  await assert.rejects(openDataFolder('/proc/nope/data'), {code: 'DATA', message: /ENOENT.*mount or make/});
});

test('data folder, half-written files of a killed daemon -> swept where we write, nothing else touched', async () => {
  await using folder = await openFolder();
  const half = 'proxy.cfg.tmp-12-3';
  for (const name of ['run', 'history', 'certs', 'theirs']) {
    await mkdir(join(folder.path, name));
    await writeFile(join(folder.path, name, half), '');
  }
  for (const name of [half, 'proxy.cfg', 'notes.tmp']) await writeFile(join(folder.path, name), '');
  await using _lock = await openDataFolder(folder.path);
  assert.deepEqual((await readdir(folder.path, {recursive: true})).sort(), [
    'certs',
    'daemon.lock',
    'history',
    'notes.tmp',
    'proxy.cfg',
    'run',
    'theirs',
    `theirs/${half}`,
  ]);
});
