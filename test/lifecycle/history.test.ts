import assert from 'node:assert/strict';
import {mkdtemp, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, test} from 'node:test';
import {
  appendEntry,
  appsThatLeft,
  deriveMovers,
  type HistoryEntry,
  noHistory,
  partingsOf,
  textsToKeep,
} from '../../src/lifecycle/history.ts';
import {openHistory} from '../../src/lifecycle/history-file.ts';
import {decodeHistory, encodeHistory} from '../../src/lifecycle/history-text.ts';
import type {PassRecord} from '../../src/lifecycle/passes.ts';
import {type Files, systemFiles} from '../../src/ports/files.ts';
import {openLog} from '../../src/ports/log.ts';
import {entryOf} from '../http/status-ports.ts';
import {systemError} from '../support/system-error.ts';

const recordOf = (pass: number, verdict: PassRecord['verdict'] = 'ok'): PassRecord => {
  const {
    joined: _j,
    left: _l,
    difference: _d,
    secretsChanged: _s,
    configuration: _c,
    template: _t,
    ...record
  } = entryOf(pass);
  return {...record, verdict};
};

const inputOf = (template: string, ...ips: string[]) => ({
  template,
  variables: {
    hosts: new Map([['web', ips]]),
    pods: ips.map(ip => ({app: 'web', id: `web-${ip}`, ip, key: 'x', role: 'x', seq: 1, payload: ''})),
    node: {labels: {}, annotations: {}},
    labels: {},
    annotations: {},
    env: {},
    certs: {},
    services: new Map(),
  },
});

test('movers, a pod replaced on its IP -> one left and one joined', () => {
  const pod = (id: string) => ({app: 'web', ip: '10.0.0.1', id});
  assert.deepEqual(
    deriveMovers([pod('a')], [pod('b')], () => 'replaced'),
    {
      joined: {pods: [pod('b')], more: 0},
      left: {pods: [{...pod('a'), why: 'replaced'}], more: 0},
    },
  );
});

test('movers, more than are named -> counted', () => {
  const pods = Array.from({length: 250}, (_, index) => ({app: 'web', ip: `10.0.0.${index}`, id: `${index}`}));
  const {joined} = deriveMovers([], pods, () => '');
  assert.deepEqual([joined.pods.length, joined.more], [100, 150]);
});

test('apps that pods left -> since the last pass that took one out, unless one came since', () => {
  const NOBODY = {pods: [], more: 0};
  const movers = (app: string) => ({pods: [{app, ip: '10.0.0.1', id: 'a', why: 'down'}], more: 0});
  const pass = (startedAt: number, joined: string, left: string, verdict: 'ok' | 'failed' = 'ok') => ({
    ...{verdict, startedAt, joined: joined ? movers(joined) : NOBODY, left: left ? movers(left) : NOBODY},
  });
  const entries = [pass(1, 'web', 'api'), pass(2, '', 'web'), pass(3, 'api', ''), pass(4, '', 'db', 'failed')];
  assert.deepEqual([...appsThatLeft(entries)], [['web', 2]]);
});

test('partings, an app left and is not back -> what served before, and the pass that took it out; failed passes aside', () => {
  const movers = (...apps: string[]) => ({
    pods: apps.map(app => ({app, ip: '10.0.0.1', id: app, why: 'down'})),
    more: 0,
  });
  const none = movers();
  const entries = [
    entryOf(1, {startedAt: 1, joined: movers('web', 'api'), left: none}),
    entryOf(2, {startedAt: 2, joined: none, left: movers('api')}),
    entryOf(3, {startedAt: 3, joined: movers('api'), left: none}),
    entryOf(4, {startedAt: 4, joined: none, left: none, verdict: 'failed'}),
    entryOf(5, {startedAt: 5, joined: none, left: movers('web')}),
    entryOf(6, {startedAt: 6, joined: none, left: none}),
  ];
  assert.deepEqual(
    partingsOf(entries).map(({before, after}) => [before.pass, after.pass]),
    [[3, 5]],
  );
});

test('history, more passes than it holds -> the newest 200', () => {
  let history = noHistory;
  for (let pass = 1; pass <= 230; pass += 1) history = appendEntry(history, entryOf(pass), []);
  assert.deepEqual([history.entries.length, history.entries[0]?.pass, history.entries.at(-1)?.pass], [200, 31, 230]);
});

test('texts to keep, more than there is room for -> those of the newest passes, the newest one always', () => {
  const refOf = (letter: string, bytes: number) => ({digest: letter.repeat(64), bytes});
  const entries = ['a', 'b', 'c'].map((letter, index) =>
    entryOf(index, {configuration: refOf(letter, 60), template: refOf('t', 10)}),
  );
  assert.deepEqual(
    [...textsToKeep(entries, 130)].map(digest => digest[0]),
    ['c', 't', 'b'],
  );
  assert.deepEqual(
    [...textsToKeep(entries, 1)].map(digest => digest[0]),
    ['c', 't'],
  );
});

test('texts to keep, as configured -> 32 MiB of them, to the byte', () => {
  const entries = ['a', 'b', 'c'].map((letter, index) =>
    entryOf(index, {configuration: {digest: letter, bytes: index === 0 ? 1 : 16 << 20}, template: null}),
  );
  assert.deepEqual([...textsToKeep(entries)], ['c', 'b']);
});

test('history as text -> the same again; cut, altered or foreign -> undefined', () => {
  const history = {entries: [entryOf(1), entryOf(2)], pods: [{app: 'web', ip: '10.0.0.1', id: 'a'}]};
  const text = encodeHistory(history);
  assert.deepEqual(decodeHistory(text), {...history});
  for (const wrong of [text.slice(0, 50), '', '[]', '{}', text.replace('"version":1', '"version":2')]) {
    assert.equal(decodeHistory(wrong), undefined);
  }
  assert.equal(decodeHistory(text.replace('"pass":1', '"pass":"1"')), undefined);
  // Fuzzed: the first is read as Infinity and the second written as 0.
  for (const number of ['1e999', '-0'])
    assert.equal(decodeHistory(text.replace(/"generation":\d+/, `"generation":${number}`)), undefined);
});

describe('history of a data folder', () => {
  let folder: string;
  const entries: HistoryEntry[] = [];
  const logged: {msg: string}[] = [];
  const {log} = openLog('info', {write: line => logged.push(JSON.parse(line))});
  const open = async (files: Files = systemFiles) => {
    const history = await openHistory({files, log, folder, whyLeft: () => 'down'});
    history.added.follow(entry => entries.push(entry));
    return history;
  };

  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'kontrol-history-')), 'history');
    entries.length = 0;
    logged.length = 0;
  });
  afterEach(() => rm(join(folder, '..'), {recursive: true}));

  test('its folder is removed -> what serves can be had at once, and is written again by any pass; the rest is known to be gone', async () => {
    const history = await open();
    history.record(recordOf(1), {input: inputOf('T1'), text: 'one\n'});
    history.record(recordOf(2), {input: inputOf('T2'), text: 'two\n'});
    await history.settled();
    await rm(folder, {recursive: true});
    const [one, two] = [history.entry(1), history.entry(2)];
    assert.ok(one?.template && two?.template);
    assert.equal(await history.template(two), 'T2');
    assert.equal(await history.template(one), undefined);
    assert.deepEqual([history.isKept(one.template), history.isKept(two.template)], [false, true]);

    history.record(recordOf(3, 'failed'), {input: inputOf('T3'), text: undefined});
    await history.settled();
    const again = await open();
    const kept = again.entry(2);
    assert.ok(kept !== undefined);
    assert.deepEqual([await again.template(kept), await again.configuration(kept, 'revealed')], ['T2', 'two\n']);
    assert.equal(again.served?.text, 'two\n');
  });

  test('passes, then a restart -> numbers, movers, differences and texts go on', async () => {
    const first = await open();
    first.record(recordOf(1), {input: inputOf('T1', '10.0.0.1'), text: 'daemon\nstats auth x:secret\n'});
    first.record(recordOf(2), {
      input: inputOf('T2', '10.0.0.1', '10.0.0.2'),
      text: 'daemon\nquiet\nstats auth x:secret\n',
    });
    await first.settled();
    assert.deepEqual(entries[1]?.joined.pods, [{app: 'web', ip: '10.0.0.2', id: 'web-10.0.0.2'}]);
    assert.equal(entries[1]?.difference.text, '@@ -1,2 +1,3 @@\n daemon\n+quiet\n stats auth x:***\n');

    const second = await open();
    assert.equal(second.lastPass, 2);
    second.record(recordOf(3), {input: inputOf('T2', '10.0.0.2'), text: 'quiet\nstats auth x:secret\n'});
    await second.settled();
    const entry = second.entry(3);
    assert.deepEqual(entry?.left.pods, [{app: 'web', ip: '10.0.0.1', id: 'web-10.0.0.1', why: 'down'}]);
    assert.deepEqual([entry?.difference.added, entry?.difference.removed], [0, 1]);
    const old = second.entry(1);
    assert.ok(old);
    assert.equal(await second.configuration(old, 'shown'), 'daemon\nstats auth x:***\n');
    assert.equal(await second.configuration(old, 'revealed'), 'daemon\nstats auth x:secret\n');
    assert.equal(await second.template(old), 'T1');
  });

  test('only a password changed -> said, not shown', async () => {
    const history = await open();
    history.record(recordOf(1), {input: inputOf('T'), text: 'stats auth x:one\n'});
    history.record(recordOf(2), {input: inputOf('T'), text: 'stats auth x:two\n'});
    await history.settled();
    assert.deepEqual([entries[1]?.secretsChanged, entries[1]?.difference.text], [true, '']);
    assert.doesNotMatch(JSON.stringify(entries), /one|two/);
  });

  test('a failed pass -> its difference is against what serves, and the next is not against it', async () => {
    const history = await open();
    history.record(recordOf(1), {input: inputOf('T'), text: 'daemon\n'});
    history.record(recordOf(2, 'failed'), {input: inputOf('T'), text: 'nokqueue\n'});
    history.record(recordOf(3), {input: inputOf('T'), text: 'daemon\nquiet\n'});
    await history.settled();
    assert.match(entries[1]?.difference.text ?? '', /-daemon\n\+nokqueue/);
    assert.match(entries[2]?.difference.text ?? '', / daemon\n\+quiet/);
  });

  test('a pod that left while a pass failed -> the pass that takes it out says so, and retries are one entry', async () => {
    const history = await open();
    history.record(recordOf(1), {input: inputOf('T', '10.0.0.1'), text: 'daemon\n'});
    for (const pass of [2, 3]) history.record(recordOf(pass, 'failed'), {input: inputOf('T'), text: 'nokqueue\n'});
    history.record(recordOf(4), {input: inputOf('T'), text: 'daemon\nquiet\n'});
    await history.settled();
    const left = history.entries.map(entry => [entry.pass, entry.left.pods.map(({ip}) => ip), entry.retries?.count]);
    assert.deepEqual(left, [
      [1, [], undefined],
      [2, ['10.0.0.1'], 1],
      [4, ['10.0.0.1'], undefined],
    ]);
    // Whoever follows hears of a retry as of the entry that it is part of.
    assert.deepEqual(
      entries.map(({pass}) => pass),
      [1, 2, 2, 4],
    );
  });

  test('a line that is not understood -> not shown, nor that it changed', async () => {
    const history = await open();
    history.record(recordOf(1), {input: inputOf('T'), text: 'daemon\npasword one\n'});
    history.record(recordOf(2), {input: inputOf('T'), text: 'daemon\npasword two\n'});
    await history.settled();
    assert.deepEqual([entries[1]?.secretsChanged, entries[1]?.difference.text], [true, '']);
  });

  test('a damaged file -> set aside with a warning, history starts anew', async () => {
    const before = await open();
    before.record(recordOf(1), {input: inputOf('T'), text: 'a\n'});
    await before.settled();
    await writeFile(join(folder, 'passes.json'), '{"format":');
    const history = await open();
    assert.deepEqual(history.entries, []);
    assert.ok((await readdir(folder)).includes('passes.json.corrupt'));
    assert.match(logged.map(({msg}) => msg).join(), /set aside/);
  });

  test('a kept text that was altered -> not shown', async () => {
    const history = await open();
    history.record(recordOf(1), {input: inputOf('T'), text: 'a\n'});
    // Of what serves, the text is in memory.
    history.record(recordOf(2), {input: inputOf('T'), text: 'c\n'});
    await history.settled();
    const [entry] = history.entries;
    assert.ok(entry?.configuration);
    await writeFile(join(folder, `${entry.configuration.digest}.txt`), 'b\n');
    assert.equal(await history.configuration(entry, 'shown'), undefined);
  });

  test('a full disk -> passes are remembered in memory, one warning, and written when there is room', async () => {
    let full = true;
    const replace: Files['replace'] = (...given) =>
      full ? Promise.reject(systemError('ENOSPC')) : systemFiles.replace(...given);
    const history = await open({...systemFiles, replace});
    history.record(recordOf(1), {input: inputOf('T'), text: 'a\n'});
    history.record(recordOf(2), {input: inputOf('T'), text: 'b\n'});
    await history.settled();
    assert.equal(history.entries.length, 2);
    assert.deepEqual(
      logged.map(({msg}) => msg),
      ['history not written'],
    );
    assert.match(history.fault ?? '', /^history not written: ENOSPC.*; make room in KONTROL_DATA$/);
    full = false;
    history.record(recordOf(3), {input: inputOf('T'), text: 'c\n'});
    await history.settled();
    assert.equal(history.fault, undefined);
    assert.equal((await open()).lastPass, 3);
  });
});
