import assert from 'node:assert/strict';
import {mkdtemp, rename, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {openLog} from '../../src/ports/log.ts';
import {openPayload, type ReadStart, readStart} from '../../src/slave/payload-file.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';

async function openScene(initial: string | undefined) {
  let text: string | Error | undefined = initial;
  const logged: {level: number; msg: string; path: string; reason?: string}[] = [];
  const {log} = openLog('info', {write: line => logged.push(JSON.parse(line))});
  const clock = createFakeClock();
  const read: ReadStart = async () => {
    if (text instanceof Error) throw text;
    return text;
  };
  const payload = await openPayload({path: '/data/state.json', read, clock, log});
  let changes = 0;
  const unfollow = payload.follow(() => {
    changes += 1;
  });
  return {
    payload,
    clock,
    logged,
    unfollow,
    changes: () => changes,
    async put(next: string | Error | undefined) {
      text = next;
      await clock.advance(1000);
    },
  };
}

test('payload file, written, changed, removed -> value and one call each', async () => {
  const scene = await openScene(undefined);
  assert.equal(scene.payload.text(), '""');
  await scene.put('{"weight": 50}');
  assert.equal(scene.payload.text(), '{"weight":50}');
  await scene.put('{"weight": 60}');
  await scene.put('{ "weight":60 }');
  assert.equal(scene.changes(), 2);
  await scene.put(undefined);
  assert.equal(scene.payload.text(), '""');
  assert.equal(scene.changes(), 3);
  assert.deepEqual(scene.logged, []);
});

test('payload file, malformed or unreadable for a while -> last good payload, one warning, one line when good', async () => {
  const scene = await openScene('{"weight": 50}');
  await scene.put('{"weight": ');
  await scene.put('{"weigh');
  await scene.put(systemError('EACCES', 'permission denied'));
  assert.equal(scene.payload.text(), '{"weight":50}');
  assert.deepEqual(
    scene.logged.map(({level, msg, path}) => [level, msg, path]),
    [[40, 'payload file ignored', '/data/state.json']],
  );
  await scene.put('{"weight": 50}');
  assert.equal(scene.changes(), 0);
  assert.equal(scene.logged.at(-1)?.msg, 'payload file good again');
});

test('payload file, closed or unfollowed -> silent', async () => {
  const scene = await openScene('1');
  scene.unfollow();
  await scene.put('2');
  assert.equal(scene.payload.text(), '2');
  scene.payload.close();
  await scene.put('3');
  assert.equal(scene.payload.text(), '2');
  assert.equal(scene.changes(), 0);
});

test('readStart, absent, long, renamed over -> undefined, its start, the new text', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'payload-'));
  t.after(() => rm(folder, {recursive: true}));
  const path = join(folder, 'state.json');
  assert.equal(await readStart(path, 10), undefined);
  await writeFile(path, 'x'.repeat(1000));
  assert.equal(await readStart(path, 10), 'x'.repeat(10));
  await writeFile(`${path}.new`, '"é"');
  await rename(`${path}.new`, path);
  assert.equal(await readStart(path, 10), '"é"');
  await assert.rejects(readStart(folder, 10), {code: 'EISDIR'});
});
