import assert from 'node:assert/strict';
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {encodeSnapshot} from '../../src/members/snapshot.ts';
import {openSnapshotFile} from '../../src/members/snapshot-file.ts';
import {systemFiles} from '../../src/ports/files.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';
import {createMemoryFiles, memberOf, openLogSink, WARN} from './fixtures.ts';

const PATH = '/data/members.json';
const CONTENT = {seq: 3, members: [memberOf({seq: 3})]};

function openFile(texts: Record<string, string> = {}) {
  const clock = createFakeClock();
  const memory = createMemoryFiles(texts);
  const sink = openLogSink();
  const file = openSnapshotFile({files: memory.files, clock, log: sink.log}, '/data');
  const writtenAt = (): number => JSON.parse(memory.contents.get(PATH) ?? assert.fail('no snapshot')).content.writtenAt;
  return {clock, memory, sink, file, writtenAt};
}

const NOTHING = {seq: 0, members: [], restored: false};

test('snapshot file, absent -> nothing restored, no warning', async () => {
  const {file, sink} = openFile();
  assert.deepEqual(await file.load(), NOTHING);
  assert.deepEqual(sink.lines, []);
});

test('snapshot file, recent -> restored', async () => {
  const {file} = openFile({[PATH]: encodeSnapshot(CONTENT, createFakeClock().epochMs() - 60_000)});
  assert.deepEqual(await file.load(), {...CONTENT, restored: true});
});

test('snapshot file, too old -> seq only, with a warning', async () => {
  const {file, sink} = openFile({[PATH]: encodeSnapshot(CONTENT, 0)});
  assert.deepEqual(await file.load(), {...NOTHING, seq: 3});
  assert.equal(sink.lines[0]?.level, WARN);
});

test('snapshot file, truncated -> set aside with a warning; at most 3 kept', async () => {
  const {file, sink, memory, clock} = openFile();
  for (let boot = 1; boot <= 5; boot++) {
    memory.contents.set(PATH, encodeSnapshot(CONTENT, clock.epochMs()).slice(0, -20 - boot));
    assert.deepEqual(await file.load(), NOTHING);
    assert.equal(memory.contents.has(PATH), false);
    await clock.advance(1000);
  }
  const kept = [3, 4, 5].map(boot => `${PATH}.corrupt-${1_500_000_000_000 + (boot - 1) * 1000}`);
  assert.deepEqual([...memory.contents.keys()].sort(), kept);
  assert.equal(sink.said('set aside').length, 5);
});

test('snapshot file, unreadable -> nothing restored, one warning', async () => {
  const {memory, sink, clock} = openFile();
  const files = {...memory.files, readText: () => Promise.reject(systemError('EACCES'))};
  assert.deepEqual(await openSnapshotFile({files, clock, log: sink.log}, '/data').load(), NOTHING);
  assert.deepEqual(
    sink.lines.map(line => line.level),
    [WARN],
  );
});

test('snapshot file, many changes at once -> one write within a second', async () => {
  const {clock, memory, file, writtenAt} = openFile();
  const keeper = file.keep(() => CONTENT);
  await clock.advance(1000);
  const {writes} = memory.seen;
  const changedAt = clock.epochMs();
  for (let i = 0; i < 100; i++) keeper.changed();
  await clock.advance(1000);
  assert.equal(memory.seen.writes, writes + 1);
  assert.ok(writtenAt() - changedAt < 1000);
});

test('snapshot file, no changes -> its wall time is renewed every minute', async () => {
  const {clock, memory, file, writtenAt} = openFile();
  file.keep(() => CONTENT);
  await clock.advance(10 * 60_000);
  assert.equal(memory.seen.writes, 10);
  assert.ok(clock.epochMs() - writtenAt() <= 60_000);
});

test('snapshot file, change during a slow write -> another write, never two at once', async () => {
  const {clock, memory, file} = openFile();
  const release = memory.hold();
  const keeper = file.keep(() => CONTENT);
  await clock.advance(500);
  keeper.changed();
  await clock.advance(5000);
  assert.equal(memory.seen.writes, 1);
  release();
  await clock.advance(1000);
  assert.deepEqual(memory.seen, {writes: 2, mostAtOnce: 1});
});

test('snapshot file, full disk for a while -> told for as long, one warning, retried every second, one recovery', async () => {
  const {clock, memory, file, sink, writtenAt} = openFile();
  memory.failWith(systemError('ENOSPC'));
  const keeper = file.keep(() => CONTENT);
  for (let i = 0; i < 100; i++) {
    keeper.changed();
    await clock.advance(100);
  }
  assert.match(keeper.unwritten?.reason ?? '', /^cannot write .*members\.json: ENOSPC.*; make room in KONTROL_DATA$/);
  const lastsMs = clock.epochMs() - (keeper.unwritten?.sinceAt ?? 0);
  assert.ok(lastsMs > 9000 && lastsMs <= 10_000, String(lastsMs));
  assert.ok(memory.seen.writes >= 8 && memory.seen.writes <= 11, String(memory.seen.writes));
  memory.failWith(undefined);
  await clock.advance(1000);
  assert.equal(keeper.unwritten, undefined);
  assert.ok(clock.epochMs() - writtenAt() < 1000);
  assert.deepEqual(
    sink.lines.map(line => line.msg),
    ['snapshot not written', 'snapshot written again'],
  );
});

test('snapshot file, closed during a write -> flushed after it, silent from then on', async () => {
  const {clock, memory, file} = openFile();
  const release = memory.hold();
  let seq = 1;
  const keeper = file.keep(() => ({seq, members: []}));
  await clock.advance(500);
  seq = 2;
  const closed = keeper.close();
  release();
  await closed;
  assert.equal(JSON.parse(memory.contents.get(PATH) ?? '').content.seq, 2);
  keeper.changed();
  await clock.advance(120_000);
  assert.deepEqual(memory.seen, {writes: 2, mostAtOnce: 1});
});

test('snapshot file, on a real disk -> written, read back, set aside when cut', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-snapshot-'));
  t.after(() => rm(folder, {recursive: true}));
  const open = () => openSnapshotFile({files: systemFiles, clock: createFakeClock(), log: openLogSink().log}, folder);
  await open()
    .keep(() => CONTENT)
    .close();
  assert.deepEqual(await open().load(), {...CONTENT, restored: true});
  const path = join(folder, 'members.json');
  await writeFile(path, (await readFile(path)).subarray(0, 100));
  assert.deepEqual(await open().load(), NOTHING);
  assert.deepEqual(await readdir(folder), ['members.json.corrupt-1500000000000']);
});
