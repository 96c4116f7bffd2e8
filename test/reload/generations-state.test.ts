import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import type {Files} from '../../src/ports/files.ts';
import {parseVersion} from '../../src/proxy/version.ts';
import {pathsOf} from '../../src/reload/files.ts';
import {type GenerationsState, generationPortsOf} from '../../src/reload/generations-state.ts';
import {nothingInherited} from '../../src/reload/inherited-sockets.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {systemError} from '../support/system-error.ts';
import {openFakeGenerations, textOf} from './fake-generations.ts';

const [COMMITTED, TEXT] = ['/data/proxy.cfg', 'frontend f\n  bind 127.0.0.1:80\n'];

/** What generation `number` restores when it is started anew and `proxy.cfg` is as told; number 2 is the one that serves. */
async function restore(number: number, committed?: string, as = (files: Files): Files => files) {
  const {files, contents} = createMemoryFiles(committed === undefined ? {} : {[COMMITTED]: committed});
  const {log, said} = openLogSink();
  const linked: number[] = [];
  let isMade = false;
  const state = {
    ports: {files: as(files), log, version: parseVersion('HA-Proxy version 2.6.12 2023/04/01\n'), drain: {}},
    committedPath: COMMITTED,
    generations: {current: {number: 2}},
    run: {
      async make() {
        isMade = contents.size === Number(committed !== undefined);
      },
      link: async (one: {number: number}) => void linked.push(one.number),
    },
  } as unknown as GenerationsState;
  const generation = {number, text: TEXT, paths: pathsOf('/data', number), inheritance: nothingInherited};
  await generationPortsOf(state).restore?.(generation);
  assert.ok(isMade, 'the folder is made before anything is written');
  return {committed: contents.get(COMMITTED), linked, own: contents.get(generation.paths.configuration), said};
}

test('the one that serves is started anew, proxy.cfg is gone -> written again; where it is there, it is left alone', async () => {
  assert.partialDeepStrictEqual(await restore(2), {committed: TEXT, linked: [2], own: TEXT});
  assert.partialDeepStrictEqual(await restore(2, 'of a user'), {committed: 'of a user', linked: [], own: TEXT});
});

test('proxy.cfg can neither be read nor written -> its own files all the same, so that it can be started', async () => {
  const refuse = () => Promise.reject(systemError('EISDIR'));
  const {own, said} = await restore(2, 'of a user', files => ({
    ...files,
    readText: path => (path === COMMITTED ? refuse() : files.readText(path)),
    replace: (path, ...given) => (path === COMMITTED ? refuse() : files.replace(path, ...given)),
  }));
  assert.equal(own, TEXT);
  const [warning] = said('proxy.cfg is not what serves');
  assert.match(String(warning?.reason), /^cannot write \/data\/proxy\.cfg: a folder has its name; remove that folder/);
});

test('a candidate that came up and died before it was committed -> its own files, never proxy.cfg', async () => {
  assert.partialDeepStrictEqual(await restore(3), {committed: undefined, linked: [], own: TEXT});
});

test('a text with spare servers -> what HAProxy reads, until it was refused', async () => {
  const as = (text: string) => `${text}  server b 192.0.2.2:80 disabled\n`;
  const {apply, faults, generations} = await openFakeGenerations({readAs: as});
  await apply(textOf());
  assert.equal(generations.running?.text, as(textOf()));
  faults.refusesSpares = true;
  for (const other of [1, 2]) {
    await apply(textOf(other));
    assert.equal(generations.running?.text, textOf(other));
  }
});

const MOVED = textOf(0, 'a 10.0.0.2:80');

/** It answers, and nothing drains. */
const WELL = {silentMs: 0, isHung: false, isDeaf: false, hangs: 0, draining: []};

test('the old one has connections -> it drains, with its files, until they end', async () => {
  const {apply, clock, filed, generations, settle, started} = await openFakeGenerations();
  await apply(textOf());
  const [first] = started;
  assert.ok(first);
  first.isBusy = true;
  await apply(textOf(1));
  await clock.advance(1500);
  const {draining} = generations.status;
  assert.deepEqual(
    draining.map(({pid, generation}) => [pid, generation]),
    [[1000, 1]],
  );
  assert.ok((draining[0]?.sinceMs ?? 0) >= 1500);
  assert.deepEqual(filed(), ['1', '2']);
  first.exit({code: 0});
  await settle();
  assert.deepEqual([generations.status.draining, filed()], [[], ['2']]);
});
describe('HAProxy dies', () => {
  test('once -> started again on the same files, and counted', async () => {
    const {apply, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    started[0]?.exit({signal: 'SIGKILL'});
    await settle();
    assert.deepEqual(generations.status, {state: 'RUNNING', pid: 1001, generation: 1, restarts: 1, ...WELL});
    assert.deepEqual(started[1]?.args, started[0]?.args);
    assert.deepEqual([generations.running?.pid, generations.isServing(textOf())], [1001, true]);
  });

  test('in a folder that somebody emptied -> its text and its files are there again', async () => {
    const {apply, contents, memory, settle, started} = await openFakeGenerations();
    await apply(textOf());
    contents.clear();
    memory.modes.clear();
    started[0]?.exit({signal: 'SIGKILL'});
    await settle();
    assert.deepEqual(started[1]?.args, started[0]?.args);
    assert.deepEqual([contents.get('/data/proxy.cfg'), memory.modes.get('/data/proxy.cfg')], [textOf(), 0o640]);
  });

  test('with its own files gone, and a proxy.cfg that somebody wrote -> that one stays', async () => {
    const {apply, contents, settle, started} = await openFakeGenerations();
    await apply(textOf());
    contents.clear();
    contents.set('/data/proxy.cfg', textOf(7));
    started[0]?.exit({signal: 'SIGKILL'});
    await settle();
    assert.deepEqual([contents.has('/data/run/1.cfg'), contents.get('/data/proxy.cfg')], [true, textOf(7)]);
  });

  test('it waits for its restart -> nothing runs, the text is still its own', async () => {
    const {apply, faults, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    faults.start = 'dies';
    started[0]?.exit({code: 1});
    await settle();
    assert.equal(generations.status.state, 'BACKOFF');
    assert.deepEqual([generations.running, generations.isServing(textOf())], [undefined, true]);
  });

  test('it is being started -> not yet what runs', async () => {
    const {apply, faults, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    faults.start = 'mute';
    started[0]?.exit({code: 1});
    await settle();
    assert.deepEqual([generations.status.state, generations.running], ['STARTING', undefined]);
  });

  test('since then -> down, however often it dies; up again -> no more', async () => {
    const {apply, clock, faults, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    assert.equal(generations.downSinceMs, undefined);
    await clock.advance(1000);
    const diedMs = clock.nowMs();
    faults.start = 'dies';
    started[0]?.exit({code: 1});
    await settle();
    await clock.advance(200);
    assert.ok(started.length > 2);
    assert.equal(generations.downSinceMs, diedMs);
    faults.start = undefined;
    await clock.advance(1000);
    assert.deepEqual([generations.status.state, generations.downSinceMs], ['RUNNING', undefined]);
  });

  for (const [name, exit, words] of [
    ['by a signal', {signal: 'SIGSEGV'}, 'SIGSEGV'],
    ['with a code', {code: 3}, 'exit code 3'],
    ['unseen', {}, 'exit code unknown'],
  ] as const) {
    test(`again and again, ${name} -> failed, with that; its sockets are let go; a new text is a new start`, async () => {
      const {apply, bound, clock, filed, generations, said, settle, started} = await openFakeGenerations();
      const text = `${textOf()}  load-server-state-from-file global\n`;
      await apply(text);
      for (let deaths = 1; deaths <= 6; deaths += 1) {
        started.at(-1)?.exit(exit);
        await settle();
        if (deaths < 6) await clock.advance(5000);
        await settle();
      }
      const error = await generations.failed;
      assert.deepEqual(
        [error.code, error.message],
        [
          'PROXY',
          `cannot keep HAProxy running: it died 6 times in a row, last by ${words}: see proxy.out in KONTROL_DATA`,
        ],
      );
      assert.deepEqual([generations.status.state, generations.status.restarts], ['FATAL', 5]);
      assert.deepEqual([bound(), generations.isServing(text)], [[], false]);
      assert.equal((await apply(text)).way, 'start');
      assert.deepEqual([filed(), bound()], [['2'], ['127.0.0.1:8080']]);
      assert.equal(said('health is not carried').length, 0);
    });
  }

  test('and refuses to start -> told at the second time, and not within 10 min again, though it ran in between', async () => {
    const {apply, clock, faults, generations, settle, started} = await openFakeGenerations();
    const toldMs: number[] = [];
    generations.startsRefused.follow(() => void toldMs.push(clock.nowMs()));
    const advance = async (ms: number) => {
      await settle();
      await clock.advance(ms);
      await settle();
      return toldMs.length;
    };
    const dieAndBeRefused = async () => {
      faults.start = 'dies';
      started.at(-1)?.exit({code: 1});
      const counts = [await advance(0), await advance(100), await advance(500)];
      faults.start = undefined;
      await advance(20_000);
      assert.equal(generations.status.state, 'RUNNING');
      return counts;
    };
    await apply(textOf());
    await advance(1_000_000);
    const diedMs = clock.nowMs();
    assert.deepEqual(await dieAndBeRefused(), [0, 1, 1]);
    assert.deepEqual(await dieAndBeRefused(), [1, 1, 1]);
    await advance(diedMs + 600_000 - clock.nowMs());
    assert.deepEqual(await dieAndBeRefused(), [1, 2, 2]);
    assert.deepEqual(toldMs, [diedMs + 100, diedMs + 600_100]);
  });

  test('and cannot be started again and again -> failed, with the reason, and no word of deaths', async () => {
    const {apply, clock, faults, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    faults.start = 'cannot';
    started[0]?.exit({signal: 'SIGKILL'});
    for (let tries = 0; tries < 6; tries += 1) {
      await settle();
      await clock.advance(5000);
    }
    assert.match(
      (await generations.failed).message,
      /^cannot keep HAProxy running: 6 tries in a row failed, the last before HAProxy was started: EAGAIN: cannot start \S+$/,
    );
  });
});

const silence = new DaemonError('PROXY', 'cannot ask it: no answer');

describe('HAProxy hangs', () => {
  test('a reload comes -> ended and started anew, told of, then the new one takes over', async () => {
    const {apply, generations, settle, started} = await openFakeGenerations({hangMs: 10_000});
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = () => silence;
    const {generation, why} = await apply(textOf(1));
    assert.equal(generation, 2);
    assert.match(why, /; HAProxy \(PID 1000\) answered nothing for 100\d\d ms and was ended before/);
    await settle();
    assert.deepEqual([first.signals, started[1]?.signals], [['SIGTERM'], ['SIGUSR1']]);
    assert.deepEqual(
      [generations.status.hangs, generations.status.pid, generations.status.state],
      [1, 1002, 'RUNNING'],
    );
  });

  test('while it is waited for -> how long it has been silent, and whether that counts as hung', async () => {
    const {apply, clock, generations, started} = await openFakeGenerations({hangMs: 4000});
    assert.deepEqual([generations.status.silentMs, generations.status.isHung], [0, false]);
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = () => silence;
    const applied = apply(textOf(1));
    const seen = new Map<number, boolean>();
    while (generations.status.hangs === 0) {
      await clock.advance(1);
      seen.set(generations.status.silentMs, generations.status.isHung);
    }
    await applied;
    const silences = [...seen.keys()].filter(silentMs => silentMs > 0);
    assert.equal(Math.min(...silences), 3000);
    assert.deepEqual([seen.get(3999), seen.get(4000) ?? true], [false, true]);
    assert.equal(generations.status.silentMs, 0);
  });
});

test('HAProxy hangs and does not come back -> down since its last answer', async () => {
  const {apply, clock, faults, generations, started} = await openFakeGenerations({hangMs: 10_000});
  await apply(textOf());
  const [first] = started;
  assert.ok(first);
  const watching = new AbortController();
  const watched = generations.watchForHangs(watching.signal);
  let answeredMs = 0;
  first.haproxy.intercept = () => {
    answeredMs = clock.nowMs();
    return undefined;
  };
  await clock.advance(5000);
  first.haproxy.intercept = () => silence;
  faults.start = 'mute';
  await clock.advance(20_000);
  assert.ok(answeredMs > 0);
  assert.deepEqual([generations.status.hangs, generations.downSinceMs], [1, answeredMs]);
  watching.abort();
  await watched;
});

describe('HAProxys that an earlier daemon left', () => {
  const ARGS = ['haproxy', '-db', '-f', '/data/run/7.cfg', '-f', '/data/run/7.control.cfg'];
  const leave = (ports: readonly number[] = [8080]) =>
    openFakeGenerations({contents: {'/data/run/7.cfg': textOf()}, left: [{pid: 500, args: ARGS, ports}]});

  test('one that listens -> serves, though nobody knows what', async () => {
    const {generations, filed} = await leave();
    assert.deepEqual(generations.status, {state: 'RUNNING', pid: 500, generation: 7, restarts: 0, ...WELL});
    assert.deepEqual([generations.text, generations.running], [undefined, undefined]);
    assert.deepEqual([generations.isServing(textOf()), await generations.mayTellFirst(MOVED)], [false, false]);
    assert.deepEqual(filed(), ['7']);
    assert.deepEqual(generations.reload.listeners, [{address: '127.0.0.1:8080', way: 'inherit'}]);
  });

  test('the gate is refused to the first reload -> rejected, as to any other', async () => {
    const {apply, gate} = await leave();
    gate.refuse = true;
    await assert.rejects(apply(textOf(1)), {code: 'APPLY', message: /holds the lock/});
    assert.equal((await apply(textOf(1))).way, 'plain');
  });

  test('the next one binds a port beside it, and cannot bind another -> guarded until nobody can reach it', async () => {
    const shutAtClose: boolean[] = [];
    const fake = await openFakeGenerations({
      contents: {'/data/run/7.cfg': textOf()},
      left: [{pid: 500, args: ARGS, ports: [8080]}],
      bind({port}) {
        if (port === 8000) throw systemError('EADDRINUSE', 'bind');
        return {descriptor: 9, close: () => void shutAtClose.push(fake.gate.isShut)};
      },
    });
    fake.faults.start = 'dies';
    await assert.rejects(fake.apply(`${textOf(1)}frontend taken\n  bind 127.0.0.1:8000\n`), {code: 'APPLY'});
    assert.deepEqual([fake.gate.closed, shutAtClose, fake.gate.isShut], [[[8080]], [true], false]);
  });

  test('two that listen -> what each really listens on is guarded', async () => {
    const {apply, gate, signals} = await openFakeGenerations({
      contents: {'/data/run/6.cfg': textOf(), '/data/run/7.cfg': textOf()},
      left: [
        {pid: 400, args: ARGS.map(arg => arg.replace('7', '6')), ports: [8080, 98]},
        {pid: 500, args: ARGS, ports: [8080, 99]},
      ],
    });
    await apply(textOf(1));
    assert.deepEqual(gate.closed, [[98, 99, 8080]]);
    assert.deepEqual(signals.sort(), ['400 SIGUSR1', '500 SIGUSR1']);
  });

  test('a change of its servers alone -> reloaded all the same, guarded once', async () => {
    const {apply, gate, generations, signals} = await leave([8080, 99]);
    const {generation, way, why} = await apply(MOVED);
    assert.deepEqual([generation, way], [8, 'syn-drop']);
    assert.match(why, /^an earlier daemon started what serves; .*taken over once/);
    assert.deepEqual(gate.closed, [[99, 8080]]);
    assert.deepEqual(signals, ['500 SIGUSR1']);
    assert.deepEqual([generations.text, generations.isServing(MOVED)], [MOVED, true]);
    assert.equal((await apply(textOf())).way, 'runtime');
  });

  test('one that was told to go -> told again', async () => {
    const {generations, signals} = await leave([]);
    assert.deepEqual(signals, ['500 SIGUSR1']);
    assert.equal(generations.status.state, 'STOPPED');
  });
});
