import assert from 'node:assert/strict';
import {mkdir, readdir, readFile, readlink, stat, symlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {systemFiles as files} from '../../src/ports/files.ts';
import {temporaryBeside} from '../../src/ports/temporary.ts';
import {openFolder} from '../support/folder.ts';

describe('files', () => {
  test('a file, then a link, replaced -> the new ones, and nothing beside them', async () => {
    await using folder = await openFolder();
    const [file, link] = [join(folder.path, 'file'), join(folder.path, 'link')];
    for (const text of ['old', 'new']) {
      await files.replace(file, text);
      await files.pointLink(link, text);
    }
    assert.deepEqual([await readFile(file, 'utf8'), await readlink(link)], ['new', 'new']);
    assert.deepEqual(await readdir(folder.path), ['file', 'link']);
  });

  test('written with the same text, and not written -> another stamp, and the same', async () => {
    await using folder = await openFolder();
    const file = join(folder.path, 'file');
    assert.equal(await files.readStamp(file), undefined);
    await files.replace(file, 'text');
    const stamp = await files.readStamp(file);
    assert.ok(stamp !== undefined && (await files.readStamp(file)) === stamp);
    await files.replace(file, 'text');
    assert.notEqual(await files.readStamp(file), stamp);
  });

  test('links planted where a file and its temporary one come -> replaced; what they lead to is left as it is', async () => {
    await using folder = await openFolder();
    const [file, victim] = [join(folder.path, 'file'), join(folder.path, 'victim')];
    await writeFile(victim, 'theirs');
    const next = Number(/\d+$/.exec(temporaryBeside(file))?.[0]) + 1;
    for (const path of [file, `${file}.tmp-${process.pid}-${next}`]) await symlink(victim, path);
    await files.replace(file, 'ours');
    assert.deepEqual([await readFile(file, 'utf8'), await readFile(victim, 'utf8')], ['ours', 'theirs']);
    assert.deepEqual(await readdir(folder.path), ['file', 'victim']);
    await symlink(victim, join(folder.path, 'link'));
    await assert.rejects(files.replaceBytes(join(folder.path, 'link'), Buffer.from('ours'), 0o600), {code: 'ELOOP'});
    assert.equal(await readFile(victim, 'utf8'), 'theirs');
  });

  test('its folder was removed -> made again; one more above it -> ENOENT, that is not ours to make', async () => {
    await using folder = await openFolder();
    await files.replace(join(folder.path, 'run', 'file'), 'text');
    assert.equal(await readFile(join(folder.path, 'run', 'file'), 'utf8'), 'text');
    await assert.rejects(files.replace(join(folder.path, 'deep', 'run', 'file'), 'text'), {code: 'ENOENT'});
  });

  test('what cannot be read or written -> the first fault, and it names the file', async () => {
    await using folder = await openFolder();
    await assert.rejects(files.readText(folder.path), {code: 'EISDIR', message: new RegExp(`read '${folder.path}'$`)});
    const file = join(folder.path, 'file');
    await writeFile(file, 'no folder');
    await assert.rejects(files.prepare(join(file, 'below'), 'text'), {code: 'ENOTDIR', syscall: 'open'});
  });

  test('a folder made with a mode -> it and those above it have that; one that is there keeps its own', async () => {
    await using folder = await openFolder();
    const deep = join(folder.path, 'made', 'deep');
    await files.makeFolder(deep, 0o700);
    await files.makeFolder(deep, 0o755);
    for (const path of [deep, join(folder.path, 'made')]) assert.equal((await stat(path)).mode & 0o777, 0o700);
  });

  for (const [what, replace] of [
    ['file', (path: string) => files.replace(path, 'text')],
    ['link', (path: string) => files.pointLink(path, 'target')],
  ] as const) {
    test(`${what}, its place taken by a folder -> refused each time, no temporary file stays`, async () => {
      await using folder = await openFolder();
      const path = join(folder.path, 'taken');
      await mkdir(path);
      for (let n = 0; n < 3; n++) await assert.rejects(replace(path));
      assert.deepEqual(await readdir(folder.path), ['taken']);
    });
  }
});
