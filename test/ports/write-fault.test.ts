import assert from 'node:assert/strict';
import {test} from 'node:test';
import {tellsOfWriteFault, writeFault} from '../../src/ports/write-fault.ts';
import {systemError} from '../support/system-error.ts';

test('a file that cannot be written -> which one, why, and what to do', () => {
  const wordsOf = (code: string) => writeFault('/data/run/3.cfg', systemError(code)).message;
  assert.deepEqual(['ENOTDIR', 'EISDIR', 'ENOSPC', 'EROFS'].map(wordsOf), [
    'cannot write /data/run/3.cfg: /data/run is not a folder; remove it, and it is made again',
    'cannot write /data/run/3.cfg: a folder has its name; remove that folder, and the file is written again',
    'cannot write /data/run/3.cfg: ENOSPC: refused by a test; make room in KONTROL_DATA',
    'cannot write /data/run/3.cfg: EROFS: refused by a test',
  ]);
});

test('the words for a pass that failed -> whether they are those', () => {
  const {message} = writeFault('/data/proxy.cfg', systemError('EROFS'));
  assert.deepEqual([message, 'cannot start HAProxy: exit code 1'].map(tellsOfWriteFault), [true, false]);
});
