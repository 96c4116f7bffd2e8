import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import type {Candidate} from '../../src/reload/candidate.ts';
import {systemError} from '../support/system-error.ts';
import {type FakeProcess, openFakeGenerations, textOf} from './fake-generations.ts';

const MOVED = textOf(0, 'a 10.0.0.2:80');

test('how a text would come to serve -> by a start, not at all, at run time or by a reload; nothing is done', async () => {
  const {apply, generations, started} = await openFakeGenerations();
  const wayOf = async (text: string) => (await generations.foresee(text)).way;
  assert.equal(await wayOf(textOf()), 'start');
  await apply(textOf());
  assert.equal(await wayOf(textOf()), 'unchanged');
  assert.equal(await wayOf(textOf(0, 'a 10.0.0.2:80')), 'runtime');
  assert.equal(await wayOf(textOf(1)), 'reload');
  assert.equal(started.length, 1);
});

describe('numbers of candidates', () => {
  test('two are staged at once -> each its own; the last one is discarded -> its number is free again', async () => {
    const {filed, generations} = await openFakeGenerations();
    const [first, second] = [await generations.stage(textOf()), await generations.stage(textOf(1))];
    assert.deepEqual([first.generation, second.generation], [1, 2]);
    await generations.discard(second);
    assert.deepEqual([(await generations.stage(textOf(2))).generation, filed()], [2, ['1', '2']]);
  });

  test('an earlier one is discarded -> the later one keeps its own', async () => {
    const {generations} = await openFakeGenerations();
    const first = await generations.stage(textOf());
    await generations.stage(textOf(1));
    await generations.discard(first);
    assert.equal((await generations.stage(textOf(2))).generation, 3);
  });

  test('one serves -> the next is above it, whatever was told at run time', async () => {
    const {apply, filed} = await openFakeGenerations();
    await apply(textOf());
    assert.equal((await apply(MOVED)).way, 'runtime');
    assert.deepEqual(filed(), ['1']);
    assert.equal((await apply(textOf(1))).generation, 2);
  });
});

describe('a text that is told beside its check', () => {
  const JOINED = `${textOf()}  server b 10.0.0.2:80\n`;
  const refusal = new DaemonError('VALIDATE', 'cannot validate it');
  const refuse = () => Promise.reject(refusal);
  const commandsOf = ({haproxy: {asked}}: FakeProcess) => asked.filter(command => !command.startsWith('show'));

  test('it passes -> its files were written for it, none is left; nobody compares HAProxy with a text meanwhile', async () => {
    const {during, filed, generations, apply, contents} = await openFakeGenerations();
    await apply(textOf());
    const checked: unknown[] = [];
    const check = async ({configuration}: Candidate) =>
      checked.push(contents.get(configuration), filed(), generations.running);
    const {way} = await during(generations.apply({text: JOINED}, {check}));
    assert.deepEqual([way, checked, filed()], ['runtime', [JOINED, ['1', '2'], undefined], ['1']]);
    assert.deepEqual([contents.get('/data/proxy.cfg'), generations.text], [JOINED, JOINED]);
  });

  test('a move -> no file of a candidate is written', async () => {
    const {during, generations, apply, memory} = await openFakeGenerations();
    await apply(textOf());
    const {prepare} = memory.files;
    const written: string[] = [];
    memory.files.prepare = (path, ...rest) => {
      written.push(path);
      return prepare(path, ...rest);
    };
    await during(generations.apply({text: MOVED}, {check: refuse}));
    assert.deepEqual(
      written.filter(path => path.includes('/2.')),
      [],
    );
  });

  test('it refuses -> taken back', async () => {
    const {during, filed, generations, apply, said, started, contents} = await openFakeGenerations();
    await apply(textOf());
    await assert.rejects(during(generations.apply({text: JOINED}, {check: refuse})), refusal);
    assert.deepEqual([...(started[0]?.haproxy.servers.keys() ?? [])], ['web/a']);
    assert.deepEqual([started.length, filed(), generations.running?.text], [1, ['1'], textOf()]);
    assert.deepEqual(
      said('a change failed that HAProxy was told of already').map(({isTakenBack, reason}) => [isTakenBack, reason]),
      [[true, 'cannot validate it']],
    );
    assert.deepEqual([contents.get('/data/proxy.cfg'), generations.isServing(textOf())], [textOf(), true]);
    assert.equal((await apply(MOVED)).way, 'runtime');
  });

  test('it refuses, HAProxy does not go back -> another one on the text before', async () => {
    const {during, filed, generations, apply, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (/maint|^del/.test(command) ? '' : undefined);
    await assert.rejects(during(generations.apply({text: JOINED}, {check: refuse})), refusal);
    assert.deepEqual([started.length, first.signals.at(-1), filed()], [2, 'SIGUSR1', ['2']]);
    assert.deepEqual([generations.isServing(textOf()), generations.status.generation], [true, 2]);
  });

  test('it refuses, HAProxy does not go back, nor does another one start -> said; the next pass reloads', async () => {
    const {during, faults, generations, apply, said, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (/maint|^del/.test(command) ? '' : undefined);
    faults.start = 'dies';
    await assert.rejects(during(generations.apply({text: JOINED}, {check: refuse})), refusal);
    assert.match(
      String(
        said('HAProxy cannot be brought back to its last good configuration: the next pass tries it again')[0]?.reason,
      ),
      /^cannot start HAProxy/,
    );
    assert.deepEqual([generations.isServing(textOf()), generations.running], [false, undefined]);
    faults.start = undefined;
    assert.deepEqual([(await apply(textOf())).generation, generations.isServing(textOf())], [3, true]);
  });

  test('a stop cuts it short, HAProxy does not go back -> nothing is started', async () => {
    const {during, generations, apply, said, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (/maint|^del/.test(command) ? '' : undefined);
    const stop = new AbortController();
    const check = () => {
      stop.abort(refusal);
      return refuse();
    };
    await assert.rejects(during(generations.apply({text: JOINED}, {check, signal: stop.signal})), refusal);
    assert.deepEqual([started.length, said('a change failed that HAProxy was told of already')], [1, []]);
  });

  test('HAProxy refuses it as well -> one check, no reload, what it took is taken back', async () => {
    const {during, generations, apply, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (command.startsWith('add server') ? 'Unknown option' : undefined);
    let checks = 0;
    const check = () => {
      checks += 1;
      return refuse();
    };
    await assert.rejects(during(generations.apply({text: JOINED}, {check})), refusal);
    assert.deepEqual([checks, started.length, generations.isServing(textOf())], [1, 1, true]);
    assert.ok(commandsOf(first).includes('del server web/b'));
  });

  test('HAProxy refuses, its check does not -> checked once, a reload in the same pass', async () => {
    const {during, generations, apply, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (command.startsWith('add server') ? 'Unknown option' : undefined);
    let checks = 0;
    const check = async () => {
      checks += 1;
    };
    const {generation} = await during(generations.apply({text: JOINED}, {check}));
    assert.deepEqual([checks, generation, generations.isServing(JOINED)], [1, 2, true]);
  });

  test('another text, its check refuses -> nothing was told, what runs is known as before', async () => {
    const {during, generations, apply, filed} = await openFakeGenerations();
    await apply(textOf());
    await assert.rejects(during(generations.apply({text: textOf(1)}, {check: refuse})), refusal);
    assert.deepEqual([generations.isServing(textOf()), filed()], [true, ['1']]);
    assert.equal((await generations.stage(textOf(2))).generation, 2);
  });

  test('HAProxy refuses, no other one can be started -> nobody says that the text before serves', async () => {
    const {during, faults, generations, apply, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (command.startsWith('add server') ? 'Unknown option' : undefined);
    faults.start = 'dies';
    await assert.rejects(during(generations.apply({text: JOINED}, {check: async () => {}})), /cannot start HAProxy/);
    assert.equal(generations.isServing(textOf()), false);
  });

  test('a full disk, another text -> the pass fails, nothing is checked or started', async () => {
    const {during, generations, apply, memory, started} = await openFakeGenerations();
    await apply(textOf());
    memory.failWith(systemError('ENOSPC'));
    const check = () => Promise.reject(new Error('it was checked'));
    const words = /^cannot write \/data\/run\/2\.cfg: ENOSPC/;
    await assert.rejects(during(generations.apply({text: textOf(1)}, {check})), {code: 'APPLY', message: words});
    assert.equal(started.length, 1);
  });
});
