import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {CutShort, DaemonError} from '../../src/errors.ts';
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
const WELL = {silentMs: 0, isHung: false, isDeaf: false, hangs: 0, draining: []};

describe('a folder in which nothing runs', () => {
  test('opened -> nothing serves, and it says so', async () => {
    const {generations} = await openFakeGenerations();
    assert.deepEqual(generations.status, {state: 'STOPPED', pid: null, generation: 0, restarts: 0, ...WELL});
    assert.deepEqual(
      [generations.text, generations.running, generations.socket],
      [undefined, undefined, '/data/haproxy.sock'],
    );
    assert.deepEqual([generations.isServing(''), await generations.mayTellFirst(textOf())], [false, false]);
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

  test('a file that its text names is written anew -> told of, until another generation has read it', async () => {
    const {apply, contents, generations} = await openFakeGenerations({contents: {'/etc/503.http': 'one'}});
    assert.deepEqual(await generations.changedFiles(), []);
    const naming = (round: number) => `${textOf(round)}  errorfile 503 /etc/503.http\n`;
    await apply(naming(0));
    assert.deepEqual(await generations.changedFiles(), []);
    contents.set('/etc/503.http', 'another');
    assert.deepEqual(await generations.changedFiles(), ['/etc/503.http']);
    await apply(naming(1));
    assert.deepEqual(await generations.changedFiles(), []);
  });

  test('its records say which number was the last -> the next one follows it', async () => {
    const {apply} = await openFakeGenerations({contents: {'/data/run/generations.json': '{"last":41,"processes":[]}'}});
    assert.equal((await apply(textOf())).generation, 42);
  });
});

describe('a text that differs in its servers alone', () => {
  test('asked -> safe, without a check; applied -> told, the generation stays', async () => {
    const {apply, contents, generations, started} = await openFakeGenerations();
    await apply(textOf());
    assert.deepEqual([await generations.mayTellFirst(MOVED), await generations.mayTellFirst(textOf(1))], [true, false]);
    const check = () => Promise.reject(new Error('it was checked'));
    assert.deepEqual(await apply(MOVED, {check}), {generation: 1, way: 'runtime', why: 'moved web/a'});
    assert.equal(started.length, 1);
    assert.deepEqual([generations.text, contents.get('/data/proxy.cfg')], [MOVED, MOVED]);
    assert.deepEqual([generations.isServing(MOVED), generations.running?.text], [true, MOVED]);
  });

  test('a new generation is asked for all the same -> reloaded, with that reason', async () => {
    const {apply, gaveWay} = await openFakeGenerations();
    await apply(textOf());
    const {generation, way, why} = await apply(MOVED, {because: 'a script asked for it'});
    assert.deepEqual([generation, way], [2, 'inherit']);
    assert.deepEqual(gaveWay, [1000], 'the old one, which shares its sockets, leaves the CPU to the new one');
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
      return new DaemonError('PROXY', 'read ECONNRESET');
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
    assert.equal(await generations.mayTellFirst(MOVED), false);
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
    assert.deepEqual([generations.isServing(textOf()), await generations.mayTellFirst(MOVED)], [false, false]);
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

  for (const [beside, args, signals] of [
    ['beside the old one', {}, []],
    ['with -sf', {capable: {bindOnly: {able: false, why: 'a test'}}}, []],
  ] as const) {
    test(`a stop while it hangs in its start ${beside} -> ended, rejected with the reason, the old one serves on`, async () => {
      const {during, apply, faults, filed, generations, settle, started} = await openFakeGenerations(args);
      await apply(textOf());
      faults.start = 'mute';
      const stop = new AbortController();
      const applied = generations.apply(await generations.stage(textOf(1)), {signal: stop.signal});
      applied.catch(() => {});
      await settle();
      assert.equal(started.length, 2);
      const reason = new CutShort('LIFECYCLE', 'the daemon stops');
      stop.abort(reason);
      await settle();
      await assert.rejects(applied, reason);
      assert.deepEqual([started[0]?.signals, started[1]?.signals, filed()], [signals, ['SIGTERM'], ['1']]);
      assert.deepEqual([generations.isServing(textOf()), generations.status.state], [true, 'RUNNING']);
      await assert.rejects(
        during(generations.apply(await generations.stage(textOf(1)), {signal: stop.signal})),
        reason,
      );
      assert.equal(started.length, 2);
    });
  }

  test('a fault of the system -> rejected with APPLY and its number', async () => {
    const {apply, generations, memory} = await openFakeGenerations();
    await apply(textOf());
    const candidate = await generations.stage(textOf(1));
    memory.failWith(systemError('EIO'));
    await assert.rejects(generations.apply(candidate), isApply(/^cannot apply generation 2: EIO: refused by a test$/));
  });

  test('files that cannot be written -> the same words at each try, and the number is free again', async () => {
    const {apply, generations, memory} = await openFakeGenerations();
    await apply(textOf());
    memory.failWith(systemError('EROFS'));
    const words = /^cannot write \/data\/run\/2\.cfg: EROFS/;
    for (let tries = 0; tries < 3; tries += 1) await assert.rejects(generations.stage(textOf(1)), isApply(words));
    memory.failWith(undefined);
    assert.equal((await generations.stage(textOf(1))).generation, 2);
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
    assert.deepEqual(started[0]?.signals, []);
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
    first.haproxy.intercept = command =>
      command === 'show servers state' ? new DaemonError('PROXY', 'no answer') : undefined;
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

  test('told to finish and to end, it obeys nothing (stopped, say) -> a second signal leaves it no time', async () => {
    const {apply, clock, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    const [first] = started;
    assert.ok(first);
    first.isStopped = true;
    const skip = new AbortController();
    const drained = generations.drain(5000, skip.signal);
    await clock.advance(5000);
    assert.deepEqual(first.signals, ['SIGUSR1', 'SIGTERM']);
    skip.abort();
    await settle();
    await clock.advance(250);
    assert.equal(await drained, false);
    assert.deepEqual(first.signals, ['SIGUSR1', 'SIGTERM', 'SIGKILL']);
  });

  test('it died and hangs in its next start -> ended within moments, which costs nobody a connection', async () => {
    const {apply, clock, faults, generations, settle, started} = await openFakeGenerations();
    await apply(textOf());
    faults.start = 'mute';
    started[0]?.exit({code: 1});
    await settle();
    const [, next] = started;
    assert.ok(next);
    next.isStopped = true;
    const drained = generations.drain(60_000, new AbortController().signal);
    await clock.advance(1250);
    assert.equal(await drained, true);
    assert.deepEqual(next.signals, ['SIGUSR1', 'SIGTERM', 'SIGKILL']);
  });
});

describe('spare servers', () => {
  const readAs = (text: string) => `${text}  server b 192.0.2.2:80 disabled\n`;

  test('a text that HAProxy is to read with some -> it reads them, nobody else is shown them', async () => {
    const {apply, contents, generations} = await openFakeGenerations({readAs});
    await apply(textOf());
    assert.equal(contents.get('/data/proxy.cfg'), textOf());
    assert.equal(contents.get('/data/run/1.cfg'), textOf());
    assert.match(contents.get('/data/run/1.run.cfg') ?? '', /server b 192\.0\.2\.2:80 disabled/);
    assert.deepEqual([generations.text, generations.isServing(textOf())], [textOf(), true]);
    assert.equal(generations.running?.text, readAs(textOf()));
  });

  test('HAProxy does not start with them -> without, then and from now on, and it is said', async () => {
    const {apply, contents, faults, generations, said, started} = await openFakeGenerations({readAs});
    faults.refusesSpares = true;
    assert.deepEqual(await apply(textOf()), {generation: 1, way: 'start', why: 'no generation served before'});
    assert.doesNotMatch(contents.get('/data/run/1.run.cfg') ?? '', /192/);
    assert.equal(generations.running?.text, textOf());
    assert.equal(said('HAProxy does not start with spare servers: it gets none any more').length, 1);
    assert.equal((await apply(textOf(1))).generation, 2);
    assert.equal(started.length, 3);
  });

  test('HAProxy starts neither with them nor without -> they are not to blame, the next one has them', async () => {
    const {apply, faults, generations, said} = await openFakeGenerations({readAs});
    faults.start = 'dies';
    await assert.rejects(apply(textOf()));
    faults.start = undefined;
    await apply(textOf());
    assert.equal(generations.running?.text, readAs(textOf()));
    assert.deepEqual(said('HAProxy does not start with spare servers: it gets none any more'), []);
  });
});
