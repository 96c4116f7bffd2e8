import assert from 'node:assert/strict';
import {mkdtemp, readdir, readFile, stat} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {openCertificateFolder} from '../../src/certs/folder.ts';
import {systemClock as clock} from '../../src/ports/clock.ts';
import {systemFiles as files} from '../../src/ports/files.ts';
import {makePair} from '../kubernetes/pairs.ts';
import {createRecordingLog} from '../kubernetes/recording-log.ts';
import {missing} from '../support/parts.ts';

async function openStage() {
  const data = await mkdtemp(join(tmpdir(), 'kontrol-certs-'));
  const open = async (names: readonly string[]) => {
    const folder = openCertificateFolder(data, {files, clock, log: createRecordingLog().log});
    await folder.load(names);
    return folder;
  };
  return {data, open};
}

describe('certificate folder', {skip: missing('openssl', 'faketime')}, () => {
  test('a good pair -> a file readable by us alone; a bad one after it -> the file stays, the problem shows', async () => {
    const {open, data} = await openStage();
    const folder = await open(['a']);
    const good = await makePair('a.test');
    assert.equal(await folder.offer('a', good), 'added');
    assert.equal(await folder.offer('a', good), 'same');
    const path = join(data, 'certs/a.pem');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const text = await readFile(path, 'utf8');
    assert.equal(await folder.offer('a', {...good, key: ''}), 'refused');
    assert.equal(await folder.offer('a', await makePair('a.test', '2020-01-01')), 'refused');
    folder.lack('a', 'there is no such Secret');
    assert.equal(await readFile(path, 'utf8'), text);
    assert.equal(folder.status()[0]?.problem, 'there is no such Secret');
    assert.deepEqual([...folder.pairs().keys()], ['a']);
    assert.equal(await folder.offer('a', await makePair('b.test')), 'rotated');
    assert.equal(folder.status()[0]?.problem, null);
    assert.deepEqual(await readdir(join(data, 'certs')), ['a.pem']);
  });

  test('an earlier run left files -> served again, an expired one too; a broken one is not', async () => {
    const {open, data} = await openStage();
    const first = await open([]);
    await first.offer('a', await makePair('a.test'));
    const {chain, key} = await makePair('old.test', '2020-01-01');
    await files.replace(join(data, 'certs/old.pem'), chain + key);
    await files.replace(join(data, 'certs/torn.pem'), chain.slice(0, 100));
    const second = await open(['a', 'old', 'torn', 'absent']);
    assert.deepEqual([...second.pairs().keys()], ['a', 'old']);
  });

  test('a name that is no longer wanted -> its file goes once nothing uses it', async () => {
    const {open, data} = await openStage();
    const folder = await open([]);
    await folder.offer('a', await makePair('a.test'));
    folder.keep([]);
    assert.deepEqual([...folder.pairs()], []);
    assert.deepEqual(await folder.sweep(() => true), []);
    assert.deepEqual(await folder.sweep(() => false), ['a']);
    assert.deepEqual(await readdir(join(data, 'certs')), []);
  });
});
