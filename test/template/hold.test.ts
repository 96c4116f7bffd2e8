import assert from 'node:assert/strict';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {systemFiles as files} from '../../src/ports/files.ts';
import {openLog} from '../../src/ports/log.ts';
import {openTemplateHold} from '../../src/template/hold.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const {log} = openLog('error', {write: () => {}});
const clock = createFakeClock(0, 1000);
let folder: string;
const open = () => openTemplateHold({files, clock, log}, join(folder, 'hold.json'));

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kontrol-hold-'));
});
after(() => rm(folder, {recursive: true}));

test('hold, a restart while it holds -> it holds still, until released', async () => {
  await (await open()).hold(7, 'old');
  const restarted = await open();
  assert.deepEqual(restarted.current, {pass: 7, template: 'old', sinceAt: 1000});
  assert.equal(await restarted.release(), true);
  assert.equal(await restarted.release(), false);
  assert.equal((await open()).current, undefined);
});

test('hold, put back after a rollback that failed -> the earlier one, or none', async () => {
  const hold = await open();
  await hold.hold(1, 'first');
  const earlier = hold.current;
  await hold.hold(2, 'second');
  await hold.restore(earlier);
  assert.equal((await open()).current?.template, 'first');
  await hold.restore(undefined);
  assert.equal((await open()).current, undefined);
});

test('hold, its file altered -> nothing is held', async () => {
  for (const text of ['', '{', '{"pass":"7","template":"x","sinceAt":1}']) {
    await writeFile(join(folder, 'hold.json'), text);
    assert.equal((await open()).current, undefined);
  }
});
