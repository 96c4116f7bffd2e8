import assert from 'node:assert/strict';
import {stat} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import {systemFiles} from '../../src/ports/files.ts';
import {openRunFolder} from '../../src/reload/run-folder.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {openFolder} from '../support/folder.ts';
import {systemError} from '../support/system-error.ts';

function openBroken(broken: 'makeFolder' | 'list' | 'remove') {
  const {files} = createMemoryFiles({'/data/run/1.cfg': ''});
  const {log, said} = openLogSink();
  const code = broken === 'makeFolder' ? 'EEXIST' : 'EACCES';
  const run = openRunFolder({
    dataFolder: '/data',
    files: {...files, [broken]: () => Promise.reject(systemError(code))},
    log,
  });
  return {run, said};
}

test('made anew where somebody removed all -> the data folder is for its owner alone', async () => {
  await using folder = await openFolder();
  const dataFolder = join(folder.path, 'data');
  await openRunFolder({dataFolder, files: systemFiles, log: openLogSink().log}).make();
  assert.equal((await stat(dataFolder)).mode & 0o777, 0o700);
  assert.ok((await stat(join(dataFolder, 'run'))).isDirectory());
});

test('something else has its name -> DATA, with what to do', async () => {
  await assert.rejects(openBroken('makeFolder').run.make(), {
    code: 'DATA',
    message: 'cannot use /data/run: it is not a folder; remove it, and it is made again',
  });
});

for (const broken of ['list', 'remove'] as const) {
  test(`files of earlier generations, ${broken} refused -> a warning: what runs can be adopted all the same`, async () => {
    const {run, said} = openBroken(broken);
    await run.sweep(new Set());
    assert.equal(said('cannot remove the files of earlier generations').length, 1);
  });
}
