import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdir, rename, stat, utimes, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {createTemplateReader, readTemplateFile} from '../../src/template/read-template.ts';
import {openFolder} from '../support/folder.ts';

const OTHER = {is: 'other', reason: 'it is no regular file'};

test('the file of a template -> its text; nothing there -> absent; what is no file -> said, and nobody waits', async () => {
  await using folder = await openFolder();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('text'), 'bind :80\nä');
  await writeFile(at('empty'), '');
  await mkdir(at('folder'));
  execFileSync('mkfifo', [at('fifo')]);
  assert.deepEqual(await readTemplateFile(at('text')), {is: 'file', bytes: Buffer.from('bind :80\nä')});
  assert.deepEqual(await readTemplateFile(at('empty')), {is: 'file', bytes: Buffer.alloc(0)});
  assert.deepEqual(await readTemplateFile(at('none')), {is: 'absent'});
  for (const path of [at('folder'), at('fifo'), '/dev/zero']) assert.deepEqual(await readTemplateFile(path), OTHER);
});

test('a file of 4 MiB -> read; one byte more -> refused', async () => {
  await using folder = await openFolder();
  const path = join(folder.path, 'template');
  await writeFile(path, 'x'.repeat(4 << 20));
  const found = await readTemplateFile(path);
  assert.equal(found.is === 'file' && found.bytes.length, 4 << 20);
  await writeFile(path, 'x'.repeat((4 << 20) + 1));
  assert.deepEqual(await readTemplateFile(path), {is: 'other', reason: 'it is longer than 4 MiB'});
});

test('a file whose size nobody knows (of /proc) -> read', async () => {
  const found = await readTemplateFile('/proc/self/status');
  assert.ok(found.is === 'file' && found.bytes.toString().startsWith('Name:'));
});

test('read again and again -> the same bytes while the file is the same; written or replaced -> read anew', async () => {
  await using folder = await openFolder();
  const [path, other] = ['template', 'other'].map(name => join(folder.path, name)) as [string, string];
  const now = {ms: Date.now()};
  const read = createTemplateReader(() => now.ms);
  const textOf = async (at = path) => {
    const found = await read(at);
    return found.is === 'file' ? found.bytes : assert.fail(found.is);
  };
  await writeFile(path, 'one');
  const {atime, mtime} = await stat(path);
  // It may be written again within the same moment, of which its times would not tell.
  assert.notEqual(await textOf(), await textOf());
  now.ms += 10_000;
  const kept = await textOf();
  assert.equal(await textOf(), kept);
  // Of the same size and time, as `cp -p` has it.
  await writeFile(path, 'two');
  await utimes(path, atime, mtime);
  assert.equal((await textOf()).toString(), 'two');
  await writeFile(other, 'six');
  await utimes(other, atime, mtime);
  assert.equal((await textOf(other)).toString(), 'six');
  await rename(other, path);
  assert.equal((await textOf()).toString(), 'six');
});

test('nothing there any more, or of no size that is known -> as it is now', async () => {
  await using folder = await openFolder();
  const [path, away] = ['template', 'away'].map(name => join(folder.path, name)) as [string, string];
  const read = createTemplateReader(() => Date.now() + 10_000);
  await writeFile(path, 'one');
  await read(path);
  await rename(path, away);
  assert.deepEqual(await read(path), {is: 'absent'});
  assert.notEqual(await read('/proc/self/status'), await read('/proc/self/status'));
});
