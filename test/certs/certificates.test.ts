import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openCertificates} from '../../src/certs/certificates.ts';
import {systemFiles} from '../../src/ports/files.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {openFolder} from '../support/folder.ts';
import {systemError} from '../support/system-error.ts';

test('a pass ended, the folder cannot be listed (no descriptor is left) -> a warning; the daemon lives', async () => {
  await using folder = await openFolder();
  const {log, said} = openLogSink();
  const certificates = await openCertificates(
    {
      dataFolder: folder.path,
      files: {...systemFiles, list: () => Promise.reject(systemError('EMFILE', 'too many open files'))},
      clock: createFakeClock(),
      log,
      ask: async () => '',
      followSecret: undefined,
      mounted: undefined,
      onChange: () => assert.fail('nothing has changed'),
      onRefused: () => assert.fail('nothing was offered'),
    },
    [],
  );
  await certificates.settle(true, '');
  assert.equal(said('cannot remove certificates').length, 1);
  certificates.close();
});
