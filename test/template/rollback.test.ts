import assert from 'node:assert/strict';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {systemFiles as files} from '../../src/ports/files.ts';
import {openLog} from '../../src/ports/log.ts';
import {openRollback} from '../../src/template/rollback.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const {log} = openLog('error', {write: () => {}});
const clock = createFakeClock(0, 1000);
let folder: string;
const open = () => openRollback({files, clock, log}, join(folder, 'hold.json'));

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kontrol-hold-'));
});
after(() => rm(folder, {recursive: true}));

test('rollback, a restart meanwhile -> it goes on, until released', async () => {
  await (await open()).begin(7, 'old');
  const restarted = await open();
  assert.deepEqual(restarted.current, {pass: 7, template: 'old', sinceAt: 1000});
  assert.equal(await restarted.release(), true);
  assert.equal(await restarted.release(), false);
  assert.equal((await open()).current, undefined);
});

test('rollback, put back after one that failed -> the earlier one, or none', async () => {
  const rollback = await open();
  await rollback.begin(1, 'first');
  const earlier = rollback.current;
  await rollback.begin(2, 'second');
  await rollback.restore(earlier);
  assert.equal((await open()).current?.template, 'first');
  await rollback.restore(undefined);
  assert.equal((await open()).current, undefined);
});

test('rollback, its file altered -> there is none', async () => {
  for (const text of ['', '{', '{"pass":"7","template":"x","sinceAt":1}']) {
    await writeFile(join(folder, 'hold.json'), text);
    assert.equal((await open()).current, undefined);
  }
});
