import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {readTemplateFile} from '../../src/template/read-template.ts';
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
