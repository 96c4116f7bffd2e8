import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openRunFolder} from '../../src/reload/run-folder.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
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
