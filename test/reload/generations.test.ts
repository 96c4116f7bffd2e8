import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {systemError} from '../support/system-error.ts';
import {openFakeGenerations, textOf} from './fake-generations.ts';

const MOVED = textOf(0, 'a 10.0.0.2:80');

/** An abstract socket is one process's alone. */
const exclusive = (round: number): string => `${textOf(round)}frontend one\n  bind abns@one\n`;

const isApply = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error && 'code' in error);
  assert.equal(error.code, 'APPLY');
  assert.match(error.message, message);
  return true;
};

/** It answers, and nothing drains. */
const WELL = {silentMs: 0, isHung: false, hangs: 0, draining: []};

describe('a folder in which nothing runs', () => {
  test('opened -> nothing serves, and it says so', async () => {
    const {generations} = await openFakeGenerations();
    assert.deepEqual(generations.status, {state: 'STOPPED', pid: null, generation: 0, restarts: 0, ...WELL});
    assert.deepEqual(
      [generations.text, generations.running, generations.socket],
      [undefined, undefined, '/data/haproxy.sock'],
    );
    assert.deepEqual([generations.isServing(''), await generations.isSafe(textOf())], [false, false]);
    assert.deepEqual([generations.reload.way, generations.reload.capabilities.gate.is], ['inherit', 'able']);
  });

  test('files of generations that nobody runs -> removed; others stay', async () => {
    const {contents} = await openFakeGenerations({
      contents: {'/data/run/7.cfg': '', '/data/run/7.control.cfg': '', '/data/run/notes': ''},
    });
    assert.deepEqual([...contents.keys()], ['/data/run/notes']);
  });

  test('the first text -> started, committed, recorded', async () => {
    const {apply, bound, contents, generations, started} = await openFakeGenerations();
    assert.deepEqual(await apply(textOf()), {generation: 1, way: 'start', why: 'no generation served before'});
    assert.deepEqual(generations.status, {state: 'RUNNING', pid: 1000, generation: 1, restarts: 0, ...WELL});
    assert.deepEqual(generations.running, {pid: 1000, socket: '/data/run/1.sock', text: textOf()});
    assert.deepEqual([generations.text, generations.socket], [textOf(), '/data/run/1.sock']);
    assert.deepEqual([generations.isServing(textOf()), generations.isServing(textOf(1))], [true, false]);
    assert.equal(contents.get('/data/proxy.cfg'), textOf());
    assert.equal(contents.get('/data/proxy.pid'), '1000\n');
    assert.deepEqual(JSON.parse(contents.get('/data/run/generations.json') ?? ''), {
      last: 1,
      processes: [{generation: 1, pid: 1000, startTicks: 1000}],
    });
    assert.deepEqual(bound(), ['127.0.0.1:8080']);
    assert.match(contents.get('/data/run/1.run.cfg') ?? '', /bind fd@3/);
    assert.deepEqual(started[0]?.args, ['-db', '-f', '/data/run/1.run.cfg', '-f', '/data/run/1.control.cfg']);
  });

  test('its records say which number was the last -> the next one follows it', async () => {
    const {apply} = await openFakeGenerations({contents: {'/data/run/generations.json': '{"last":41,"processes":[]}'}});
    assert.equal((await apply(textOf())).generation, 42);
  });
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

describe('a text that differs in its servers alone', () => {
  test('asked -> safe, without a check; applied -> told, the generation stays', async () => {
    const {apply, contents, generations, started} = await openFakeGenerations();
    await apply(textOf());
    assert.deepEqual([await generations.isSafe(MOVED), await generations.isSafe(textOf(1))], [true, false]);
    const check = () => Promise.reject(new Error('it was checked'));
    assert.deepEqual(await apply(MOVED, {check}), {generation: 1, way: 'runtime', why: 'moved web/a'});
    assert.equal(started.length, 1);
    assert.deepEqual([generations.text, contents.get('/data/proxy.cfg')], [MOVED, MOVED]);
    assert.deepEqual([generations.isServing(MOVED), generations.running?.text], [true, MOVED]);
  });

  test('a new generation is asked for all the same -> reloaded, with that reason', async () => {
    const {apply} = await openFakeGenerations();
    await apply(textOf());
    const {generation, way, why} = await apply(MOVED, {because: 'a script asked for it'});
    assert.deepEqual([generation, way], [2, 'inherit']);
    assert.match(why, /^a script asked for it; /);
  });

  test('HAProxy refuses -> a reload in the same pass, the next change is told again', async () => {
    const {apply, generations, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (command.startsWith('set server') ? 'No such server.' : undefined);
    const {generation, why} = await apply(MOVED);
    assert.equal(generation, 2);
    assert.match(why, /^told at run time, but web\/a is at 10\.0\.0\.1, not 10\.0\.0\.2/);
    assert.equal(generations.isServing(MOVED), true);
    assert.equal((await apply(textOf())).way, 'runtime');
  });

  test('HAProxy dies of it -> a reload in the same pass to the new text', async () => {
    const {apply, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => {
      if (!command.startsWith('set server')) return undefined;
      first.exit({signal: 'SIGSEGV'});
      return new Error('read ECONNRESET');
    };
    const {generation, why} = await apply(MOVED);
    assert.equal(generation, 2);
    assert.match(why, /^told at run time, but read ECONNRESET; /);
    await settle();
    assert.deepEqual([generations.status.state, generations.text], ['RUNNING', MOVED]);
  });

  test('HAProxy takes some, then its reload fails -> what runs is not claimed, and not told any more', async () => {
    const {apply, faults, generations, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (command.startsWith('set server') ? '' : undefined);
    faults.start = 'dies';
    await assert.rejects(apply(MOVED), isApply(/cannot start HAProxy/));
    assert.deepEqual([generations.isServing(textOf()), generations.isServing(MOVED)], [false, false]);
    assert.deepEqual([generations.running, generations.text], [undefined, textOf()]);
    assert.equal(await generations.isSafe(MOVED), false);
    faults.start = undefined;
    first.haproxy.intercept = () => undefined;
    assert.match((await apply(MOVED)).why, /^what serves took only some of the last changes; /);
    assert.equal(generations.isServing(MOVED), true);
  });
});

describe('what serves was seen to differ from its text', () => {
  test('doubted -> not claimed; the next pass reloads, though the texts are equal', async () => {
    const {apply, generations} = await openFakeGenerations();
    await apply(textOf());
    generations.doubt();
    assert.deepEqual([generations.isServing(textOf()), await generations.isSafe(MOVED)], [false, false]);
    assert.deepEqual([generations.running, generations.text], [undefined, textOf()]);
    const {generation, why} = await apply(textOf());
    assert.equal(generation, 2);
    assert.match(why, /^what serves was seen to differ from its text; /);
    assert.equal(generations.isServing(textOf()), true);
  });

  test('of an earlier daemon -> still that, whose text nobody knows', async () => {
    const {generations} = await openFakeGenerations({
      contents: {'/data/run/7.cfg': textOf()},
      left: [{pid: 500, args: ['haproxy', '-f', '/data/run/7.cfg'], ports: [8080]}],
    });
    generations.doubt();
    assert.equal(generations.text, undefined);
  });
});

describe('HAProxy hangs', () => {
  const silence = new DaemonError('PROXY', 'cannot ask it: no answer');

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

describe('a text that takes a reload', () => {
  test('applied -> the new one serves on the same sockets, nothing is left of the old one', async () => {
    const {apply, bound, filed, gate, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    const {way, why} = await apply(textOf(1));
    assert.equal(way, 'inherit');
    assert.match(why, /^global changed: maxconn; every generation listens on sockets that the daemon owns;/);
    await settle();
    assert.deepEqual(started[0]?.signals, ['SIGUSR1']);
    assert.deepEqual(generations.status, {state: 'RUNNING', pid: 1001, generation: 2, restarts: 0, ...WELL});
    assert.deepEqual([filed(), bound(), gate.closed], [['2'], ['127.0.0.1:8080'], []]);
  });

  test('while it is applied -> what runs is being changed', async () => {
    const {apply, generations} = await openFakeGenerations();
    await apply(textOf());
    const seen: unknown[] = [];
    await apply(textOf(1), {
      async check() {
        seen.push(generations.running);
      },
    });
    assert.deepEqual([seen, generations.running?.pid], [[undefined], 1001]);
  });

  test('the check refuses it -> rejected, not started, nothing of it is left', async () => {
    const {apply, filed, generations, started} = await openFakeGenerations();
    await apply(textOf());
    await assert.rejects(
      apply(textOf(1), {check: () => Promise.reject(new Error('unknown keyword'))}),
      /unknown keyword/,
    );
    assert.deepEqual([started.length, filed(), generations.text], [1, ['1'], textOf()]);
    assert.equal(generations.running?.pid, 1000);
    assert.equal((await apply(textOf(1))).generation, 2);
  });

  for (const [name, fault, message] of [
    ['it dies', 'dies', /^cannot start HAProxy: exit code 1/],
    ['it cannot be started', 'cannot', /^cannot start HAProxy/],
    ['it never answers', 'mute', /^cannot start HAProxy: SIGKILL/],
  ] as const) {
    test(`${name} -> rejected, the old one serves on, its new listener is let go`, async () => {
      const {apply, bound, contents, faults, filed, generations, started} = await openFakeGenerations();
      await apply(textOf());
      faults.start = fault;
      await assert.rejects(apply(textOf(1).replace('8080\n', '8080\n  bind 127.0.0.1:8081\n')), isApply(message));
      assert.deepEqual([generations.status.generation, generations.status.state], [1, 'RUNNING']);
      assert.deepEqual([started[0]?.signals, filed(), bound()], [[], ['1'], ['127.0.0.1:8080']]);
      assert.deepEqual([generations.isServing(textOf()), contents.get('/data/proxy.cfg')], [true, textOf()]);
    });
  }

  test('a fault that is no error of ours -> rejected with APPLY and its number', async () => {
    const {apply, generations, memory} = await openFakeGenerations();
    await apply(textOf());
    const candidate = await generations.stage(textOf(1));
    memory.failWith(new Error('EIO'));
    await assert.rejects(generations.apply(candidate), isApply(/^cannot apply generation 2: EIO$/));
  });

  test('proxy.cfg cannot be written -> it is named, with what to do; the old one serves on', async () => {
    const {apply, generations, memory} = await openFakeGenerations();
    await apply(textOf());
    const candidate = await generations.stage(textOf(1));
    const {prepare} = memory.files;
    const commit = () => Promise.reject(systemError('EISDIR'));
    memory.files.prepare = async (...given) => ({...(await prepare(...given)), commit});
    const words = /^cannot write \/data\/proxy\.cfg: a folder has its name; remove that folder/;
    await assert.rejects(generations.apply(candidate), isApply(words));
    assert.deepEqual([generations.status.generation, generations.status.state], [1, 'RUNNING']);
  });

  test('a text under which two cannot listen at once -> HAProxy binds itself, the old one is told by it', async () => {
    const {apply, bound, gate, settle, started} = await openFakeGenerations();
    await apply(exclusive(0));
    assert.deepEqual(bound(), ['127.0.0.1:8080']);
    assert.equal((await apply(exclusive(1))).way, 'classic');
    assert.deepEqual(started[1]?.args.slice(-2), ['-sf', '1000']);
    await settle();
    assert.deepEqual([gate.closed, bound()], [[[8080]], []]);
  });

  test('such a one fails -> the sockets of the daemon, let go for its sake, are bound again by the next', async () => {
    const {apply, bound, faults, generations} = await openFakeGenerations();
    await apply(exclusive(0));
    faults.start = 'dies';
    await assert.rejects(apply(exclusive(1)));
    assert.deepEqual([bound(), generations.status.state], [[], 'RUNNING']);
    faults.start = undefined;
    await apply(textOf(1));
    assert.deepEqual(bound(), ['127.0.0.1:8080']);
  });

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
});

describe('what checks found out', () => {
  const wanting = (round: number) => `${textOf(round)}  load-server-state-from-file global\n`;
  const STATE = [
    '1',
    '# be_name srv_name srv_addr srv_op_state srv_admin_state srv_check_state srv_agent_state',
    'web a 10.0.0.1 0 0 6 0',
  ].join('\n');

  test('a reload -> found by the next one at its start, not by its restarts', async () => {
    const {apply, contents, started} = await openFakeGenerations();
    await apply(wanting(0));
    const [first] = started;
    assert.ok(first);
    assert.equal(first.found.get('/data/run/1.state'), '1\n');
    first.haproxy.intercept = command => (command === 'show servers state' ? STATE : undefined);
    await apply(wanting(1));
    assert.match(started[1]?.found.get('/data/run/2.state') ?? '', /^web a 10\.0\.0\.1 0 0 6 0/m);
    assert.equal(contents.get('/data/run/2.state'), '1\n');
  });

  test('a reload that fails -> nothing of it stays in a file that both read', async () => {
    const {apply, contents, faults, started} = await openFakeGenerations();
    const shared = (round: number) => wanting(round).replace('global\n', 'global\n  server-state-file /data/shared\n');
    await apply(shared(0));
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (command === 'show servers state' ? STATE : undefined);
    faults.start = 'dies';
    await assert.rejects(apply(shared(1)));
    assert.match(started[1]?.found.get('/data/shared') ?? '', /^web a/m);
    assert.equal(contents.get('/data/shared'), '1\n');
  });

  test('it does not say -> begins as a start does, which is logged', async () => {
    const {apply, said, started} = await openFakeGenerations();
    await apply(wanting(0));
    const [first] = started;
    assert.ok(first);
    first.haproxy.intercept = command => (command === 'show servers state' ? new Error('no answer') : undefined);
    await apply(wanting(1));
    assert.equal(started[1]?.found.get('/data/run/2.state'), '1\n');
    assert.deepEqual(
      said('health is not carried').map(({reason, path}) => [reason, path]),
      [['no answer', '/data/run/2.state']],
    );
  });

  test('nobody asks for it -> no file', async () => {
    const {apply, contents} = await openFakeGenerations();
    await apply(textOf());
    await apply(textOf(1));
    assert.deepEqual(
      [...contents.keys()].filter(path => path.endsWith('.state')),
      [],
    );
  });
});

describe('the SYN gate', () => {
  test('refused -> rejected; again -> reloaded without it; after one that went well -> rejected first again', async () => {
    const {apply, gate, generations} = await openFakeGenerations({setting: 'syn-drop'});
    await apply(textOf());
    gate.refuse = true;
    await assert.rejects(apply(textOf(1)), isApply(/holds the lock/));
    assert.deepEqual([generations.status.generation, generations.isServing(textOf())], [1, true]);
    const ungated = await apply(textOf(1));
    assert.equal(ungated.way, 'plain');
    assert.match(ungated.why, /; iptables refused the SYN gate, see the log$/);
    assert.equal((await apply(textOf(2))).way, 'plain');
    gate.refuse = false;
    assert.equal((await apply(textOf(3))).way, 'syn-drop');
    gate.refuse = true;
    await assert.rejects(apply(textOf(4)), isApply(/holds the lock/));
  });
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
      /^cannot keep HAProxy running: 6 tries in a row failed, the last before HAProxy was started: cannot start \S+$/,
    );
  });
});

describe('HAProxys that an earlier daemon left', () => {
  const ARGS = ['haproxy', '-db', '-f', '/data/run/7.cfg', '-f', '/data/run/7.control.cfg'];
  const leave = (ports: readonly number[] = [8080]) =>
    openFakeGenerations({contents: {'/data/run/7.cfg': textOf()}, left: [{pid: 500, args: ARGS, ports}]});

  test('one that listens -> serves, though nobody knows what', async () => {
    const {generations, filed} = await leave();
    assert.deepEqual(generations.status, {state: 'RUNNING', pid: 500, generation: 7, restarts: 0, ...WELL});
    assert.deepEqual([generations.text, generations.running], [undefined, undefined]);
    assert.deepEqual([generations.isServing(textOf()), await generations.isSafe(MOVED)], [false, false]);
    assert.deepEqual(filed(), ['7']);
    assert.deepEqual(generations.reload.listeners, [{address: '127.0.0.1:8080', way: 'inherit'}]);
  });

  test('the gate is refused to the first reload -> rejected, as to any other', async () => {
    const {apply, gate} = await leave();
    gate.refuse = true;
    await assert.rejects(apply(textOf(1)), isApply(/holds the lock/));
    assert.equal((await apply(textOf(1))).way, 'plain');
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

describe('the end', () => {
  test('idle -> all are told to finish, our sockets are closed', async () => {
    const {apply, bound, during, generations, started} = await openFakeGenerations();
    await apply(textOf());
    assert.equal(await during(generations.drain(5000, new AbortController().signal)), true);
    assert.deepEqual([started[0]?.signals, bound()], [['SIGUSR1'], []]);
    assert.deepEqual([generations.status.state, generations.running], ['STOPPED', undefined]);
  });

  test('connections outlive the grace -> ended', async () => {
    const {apply, clock, during, generations, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.isBusy = true;
    const drained = generations.drain(5000, new AbortController().signal);
    await clock.advance(4999);
    assert.deepEqual(first.signals, ['SIGUSR1']);
    assert.equal(await during(drained), false);
    assert.deepEqual(first.signals, ['SIGUSR1', 'SIGTERM']);
  });
});
