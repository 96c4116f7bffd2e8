import assert from 'node:assert/strict';
import {test} from 'node:test';
import {folderFault, tellsOfWriteFault, writeFault} from '../../src/ports/write-fault.ts';
import {systemError} from '../support/system-error.ts';

test('a file that cannot be written -> which one, why, and what to do', () => {
  const wordsOf = (code: string) => writeFault('/data/run/3.cfg', systemError(code)).message;
  const owner = `give it, and the folder that it is in, to the user of this process (UID ${process.getuid?.()})`;
  assert.deepEqual(['ENOTDIR', 'EISDIR', 'ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO'].map(wordsOf), [
    'cannot write /data/run/3.cfg: /data/run is not a folder; remove it, and it is made again',
    'cannot write /data/run/3.cfg: a folder has its name; remove that folder, and the file is written again',
    'cannot write /data/run/3.cfg: ENOSPC: refused by a test; make room in KONTROL_DATA',
    'cannot write /data/run/3.cfg: EDQUOT: refused by a test; make room in KONTROL_DATA',
    'cannot write /data/run/3.cfg: EROFS: refused by a test; mount KONTROL_DATA so that it can be written',
    `cannot write /data/run/3.cfg: EACCES: refused by a test; ${owner}`,
    `cannot write /data/run/3.cfg: EPERM: refused by a test; ${owner}`,
    'cannot write /data/run/3.cfg: EIO: refused by a test',
  ]);
});

test('one try after the other -> the same words, whatever the temporary files are called', () => {
  for (const said of [
    "refused, open '/data/proxy.cfg.tmp-1-2'",
    "refused, rename '/data/a' -> '/data/b'",
    "refused '/data/proxy.cfg'",
    'refused, write',
    'refused',
  ]) {
    assert.equal(
      writeFault('/data/proxy.cfg', systemError('EIO', said)).message,
      'cannot write /data/proxy.cfg: EIO: refused',
    );
  }
});

test('a folder that a start needs -> DATA, with what to do', () => {
  const {code, message} = folderFault('/data/run', systemError('EEXIST'));
  assert.deepEqual(
    [code, message],
    ['DATA', 'cannot use /data/run: it is not a folder; remove it, and it is made again'],
  );
});

test('the words for a pass that failed -> whether they are those', () => {
  const {message} = writeFault('/data/proxy.cfg', systemError('EROFS'));
  assert.deepEqual([message, 'cannot start HAProxy: exit code 1'].map(tellsOfWriteFault), [true, false]);
});
