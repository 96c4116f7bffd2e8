import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError, reasonOf} from '../../src/errors.ts';
import type {Job} from '../../src/jobs/job.ts';
import {pathsOf} from '../../src/reload/files.ts';
import {type FilesRead, noteFiles} from '../../src/reload/files-read.ts';
import type {StagedGeneration} from '../../src/reload/generation.ts';
import {openRuntime} from '../../src/reload/runtime.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';
import {createFakeHaproxy, type FakeServer} from './fake-haproxy.ts';

const RUNNING: Job = {is: 'RUNNING', failures: 0, sinceMs: 0};

const textOf = (...servers: readonly string[]): string =>
  ['backend web', ...servers.map(server => `  server ${server}`), ''].join('\n');

/** A generation that runs `text`, and changes of it. */
function openBench(
  text: string,
  servers: Readonly<Record<string, Partial<FakeServer>>>,
  {version = {text: '2.6.12', major: 2, minor: 6, patch: 12}, inherits = false} = {},
) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const haproxy = createFakeHaproxy(100, servers);
  const memory = createMemoryFiles();
  const proc = {job: RUNNING, child: {pid: 100}};
  const read: {files: FilesRead} = {files: new Map()};
  let runs = text;
  const generation = {
    number: 1,
    paths: pathsOf('/data', 1),
    inheritance: {
      sockets: inherits ? [{host: '0.0.0.0', port: 80, v6only: false}] : [],
      rewrite: (of: string) => (inherits ? `# inherits\n${of}` : of),
    },
    supervisor: proc,
    get text() {
      return runs;
    },
    get filesRead() {
      return read.files;
    },
    get read() {
      return runs;
    },
    runsNow(changed: string) {
      runs = changed;
    },
  } as unknown as StagedGeneration;
  const sockets: string[] = [];
  const runtime = openRuntime({
    ask(socket, line) {
      sockets.push(socket);
      return haproxy.ask(line);
    },
    clock,
    committedPath: '/data/proxy.cfg',
    files: memory.files,
    log,
    version,
  });
  /** Resolves with what `pending` comes to; time goes on only when nothing happens without it. */
  const during = async <Value>(pending: Promise<Value>): Promise<Value> => {
    let ended = false;
    const end = () => {
      ended = true;
    };
    void pending.then(end, end);
    for (let turn = 0; !ended; turn += 1) await clock.advance(turn < 50 ? 0 : 1);
    return pending;
  };
  const apply = (after: string, check?: () => Promise<unknown>) => during(runtime.apply(generation, after, check));
  const dataOf = (path: string) => memory.contents.get(path);
  return {apply, clock, dataOf, during, generation, haproxy, memory, proc, read, runtime, said, sockets};
}

/** Until it is so, without any time that goes on. */
async function waitForTurns(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setImmediate(resolve));
}

const ONE = {'web/a': {addr: '10.0.0.1'}};
const BEFORE = textOf('a 10.0.0.1:80');
const MOVED = textOf('a 10.0.0.2:80');

describe('changes at run time', () => {
  for (const minor of [1, 2]) {
    test(`HAProxy 3.${minor} carries out an address later -> a server that moves and comes takes requests only then`, async () => {
      const version = {text: `3.${minor}.0`, major: 3, minor, patch: 0};
      const before = textOf('a 10.0.0.1:80', 'b 192.0.2.2:80 disabled');
      const servers = {...ONE, 'web/b': {addr: '192.0.2.2', admin: 5}};
      const {apply, clock, haproxy} = openBench(before, servers, {version});
      const cameAt: (string | undefined)[] = [];
      haproxy.intercept = command => {
        const b = haproxy.servers.get('web/b');
        if (command === 'set server web/b state ready') cameAt.push(b?.addr);
        const [, addr] = /^set server web\/b addr (\S+)/.exec(command) ?? [];
        if (addr === undefined) return undefined;
        clock.after(4, () => b && Object.assign(b, {addr}));
        return '';
      };
      const {is, why} = await apply(textOf('a 10.0.0.1:80', 'b 10.0.0.2:80 weight 3'));
      assert.deepEqual([is, why], ['applied', 'moved web/b, weighed web/b, enabled web/b']);
      assert.deepEqual([cameAt, haproxy.servers.get('web/b')?.addr], [['10.0.0.2'], '10.0.0.2']);
    });
  }

  test('HAProxy 3.2 does not carry out the address of a server that comes -> a reload, it takes no requests before', async () => {
    const version = {text: '3.2.0', major: 3, minor: 2, patch: 0};
    const servers = {...ONE, 'web/b': {addr: '192.0.2.2', admin: 5}};
    const {apply, haproxy} = openBench(textOf('a 10.0.0.1:80', 'b 192.0.2.2:80 disabled'), servers, {version});
    haproxy.intercept = command => (command.startsWith('set server web/b addr') ? '' : undefined);
    const {is, why} = await apply(textOf('a 10.0.0.1:80', 'b 10.0.0.2:80'));
    assert.deepEqual([is, why], ['refused', 'told at run time, but web/b is at 192.0.2.2, not 10.0.0.2']);
    assert.ok(!haproxy.asked.includes('set server web/b state ready'));
  });

  test('a file that the text names has changed -> a reload, which reads it', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.memory.contents.set('/a.map', 'one');
    bench.read.files = await noteFiles('use_backend %[path,map(/a.map)]', bench.memory.files);
    bench.memory.contents.set('/a.map', 'another');
    assert.deepEqual(await bench.apply(MOVED), {is: 'unfit', why: '/a.map has changed since HAProxy read it'});
    bench.memory.contents.set('/a.map', 'one');
    assert.equal((await bench.apply(MOVED)).is, 'applied');
  });

  test('a move -> told on its socket, read back, written as what runs', async () => {
    const bench = openBench(BEFORE, ONE);
    assert.deepEqual(await bench.apply(MOVED), {is: 'applied', why: 'moved web/a'});
    assert.equal(bench.haproxy.servers.get('web/a')?.addr, '10.0.0.2');
    assert.deepEqual(new Set(bench.sockets), new Set(['/data/run/1.sock']));
    assert.deepEqual(['/data/proxy.cfg', '/data/run/1.cfg'].map(bench.dataOf), [MOVED, MOVED]);
    assert.deepEqual(Object.fromEntries(bench.memory.modes), {'/data/proxy.cfg': 0o640, '/data/run/1.cfg': 0o600});
    assert.equal(bench.dataOf('/data/run/1.run.cfg'), undefined);
    assert.equal(bench.generation.text, MOVED);
    assert.deepEqual(
      bench.said('changed the running HAProxy').map(({changes, generation}) => [changes, generation]),
      [[1, 1]],
    );
  });

  test('one moves, one comes -> each is told once, who comes first', async () => {
    const {apply, haproxy} = openBench(BEFORE, ONE);
    assert.equal((await apply(textOf('a 10.0.0.2:80', 'b 10.0.0.3:80'))).is, 'applied');
    const told = haproxy.asked.filter(command => /^(?:add|enable) |^set server \S+ (?:addr|state) /.test(command));
    assert.deepEqual(told, [
      'add server web/b 10.0.0.3:80 pool-max-conn -1 pool-purge-delay 5s',
      'set server web/b state ready',
      'set server web/a addr 10.0.0.2',
    ]);
  });

  test('a generation that inherits -> its copy says the new text too', async () => {
    const bench = openBench(BEFORE, ONE, {inherits: true});
    assert.equal((await bench.apply(MOVED)).is, 'applied');
    assert.equal(bench.dataOf('/data/run/1.run.cfg'), `# inherits\n${MOVED}`);
  });

  test('only comments differ -> nothing is asked, the text is written', async () => {
    const bench = openBench(BEFORE, ONE);
    assert.deepEqual(await bench.apply(`# two\n${BEFORE}`), {
      is: 'applied',
      why: 'nothing that HAProxy would notice changed',
    });
    assert.deepEqual(bench.haproxy.asked, []);
    assert.equal(bench.generation.text, `# two\n${BEFORE}`);
  });

  test('what no command can say -> unfit, nothing is asked or written', async () => {
    const bench = openBench(BEFORE, ONE);
    const outcome = await bench.apply(`global\n  maxconn 9\n${BEFORE}`);
    assert.deepEqual([outcome.is, bench.haproxy.asked, bench.memory.contents.size], ['unfit', [], 0]);
    assert.match(outcome.why, /global/);
    assert.equal(bench.generation.text, BEFORE);
  });

  for (const is of ['STARTING', 'BACKOFF', 'STOPPING'] as const) {
    test(`HAProxy is ${is} -> unfit`, async () => {
      const bench = openBench(BEFORE, ONE);
      bench.proc.job = {is} as Job;
      assert.deepEqual(await bench.apply(MOVED), {is: 'unfit', why: 'HAProxy is not running'});
      assert.deepEqual(bench.haproxy.asked, []);
    });
  }

  test('HAProxy 2.5 -> no server is added', async () => {
    const bench = openBench(BEFORE, ONE, {version: {text: '2.5.0', major: 2, minor: 5, patch: 0}});
    const outcome = await bench.apply(textOf('a 10.0.0.1:80', 'b 10.0.0.2:80'));
    assert.deepEqual([outcome.is, bench.haproxy.asked], ['unfit', []]);
  });

  test('four kinds and more -> three are named', async () => {
    const bench = openBench(
      textOf('a 10.0.0.1:80', 'b 10.0.0.1:80', 'c 10.0.0.1:80', 'd 10.0.0.1:80', 'e 10.0.0.1:80'),
      Object.fromEntries([...'abcde'].map(name => [`web/${name}`, {}])),
    );
    const after = textOf(
      'a 10.0.0.1:80 disabled',
      'b 10.0.0.1:80 weight 5',
      'c 10.0.0.1:80',
      'd 10.0.0.9:80',
      'f 10.0.0.8:80',
    );
    const {is, why} = await bench.apply(after);
    assert.deepEqual([is, why], ['applied', 'added web/f, weighed web/b, moved web/d and 2 more']);
    assert.deepEqual([...bench.haproxy.servers.keys()], ['web/a', 'web/b', 'web/c', 'web/d', 'web/f']);
  });

  test('three changes -> all named', async () => {
    const bench = openBench(textOf('a 10.0.0.1:80', 'b 10.0.0.1:80', 'c 10.0.0.1:80 disabled'), {
      'web/a': {},
      'web/b': {},
      'web/c': {admin: 5},
    });
    const {why} = await bench.apply(textOf('a 10.0.0.2:80', 'c 10.0.0.1:80'));
    assert.equal(why, 'enabled web/c, moved web/a, removed web/b');
  });

  test('four changes -> one more than is named', async () => {
    const names = [...'abcd'];
    const text = (ip: string) => textOf(...names.map(name => `${name} ${ip}:80`));
    const bench = openBench(text('10.0.0.1'), Object.fromEntries(names.map(name => [`web/${name}`, {}])));
    assert.equal((await bench.apply(text('10.0.0.2'))).why, 'moved web/a, moved web/b, moved web/c and 1 more');
  });

  for (const [length, lines] of [
    [8000, 1],
    [8001, 2],
  ] as const) {
    test(`commands of ${length} characters -> ${lines === 1 ? 'one line' : 'two lines'}`, async () => {
      const long = 'n'.repeat(3900);
      const last = 'm'.repeat(length - 'set server web/ addr 10.0.0.2; set server web/ addr 10.0.0.2'.length - 3900);
      const text = (ip: string) => textOf(`${long} ${ip}:80`, `${last} ${ip}:80`);
      const bench = openBench(text('10.0.0.1'), {[`web/${long}`]: {}, [`web/${last}`]: {}});
      const told: number[] = [];
      const {ask} = bench.haproxy;
      bench.haproxy.ask = line => {
        if (line.startsWith('set')) told.push(line.length);
        return ask(line);
      };
      assert.equal((await bench.apply(text('10.0.0.2'))).is, 'applied');
      assert.equal(told.length, lines);
      if (lines === 1) assert.deepEqual(told, [length]);
    });
  }

  test('thousands of commands -> lines that HAProxy reads whole, none lost', async () => {
    const names = Array.from({length: 1000}, (_, index) => `server-with-a-long-name-${index}`);
    const bench = openBench(
      textOf(...names.map(name => `${name} 10.0.0.1:80`)),
      Object.fromEntries(names.map(name => [`web/${name}`, {}])),
    );
    const lines: string[] = [];
    const {ask} = bench.haproxy;
    bench.haproxy.ask = line => {
      lines.push(line);
      return ask(line);
    };
    const {is} = await bench.apply(textOf(...names.map(name => `${name} 10.0.0.2:80`)));
    assert.equal(is, 'applied');
    const told = lines.filter(line => line.startsWith('set server'));
    const lengths = told.map(line => line.length);
    assert.ok(Math.max(...lengths) <= 8000 && Math.min(...lengths.slice(0, -1)) > 7900, String(lengths));
    assert.ok([...bench.haproxy.servers.values()].every(({addr}) => addr === '10.0.0.2'));
  });
});

describe('changes that HAProxy does not carry out', () => {
  test('refused -> said at once with its words, nothing is written', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = command => (command.startsWith('set server') ? "Can't do that." : undefined);
    assert.deepEqual(await bench.apply(MOVED), {
      is: 'refused',
      why: "told at run time, but web/a is at 10.0.0.1, not 10.0.0.2 (HAProxy says: Can't do that.)",
    });
    assert.deepEqual([bench.haproxy.asked.length, bench.clock.nowMs()], [2, 0]);
    assert.deepEqual([bench.memory.contents.size, bench.generation.text], [0, BEFORE]);
  });

  test('ignored -> looked at for 100 ms, then refused without words of HAProxy', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = command => (command.startsWith('set server') ? '' : undefined);
    const outcome = await bench.apply(MOVED);
    assert.deepEqual(outcome, {is: 'refused', why: 'told at run time, but web/a is at 10.0.0.1, not 10.0.0.2'});
    assert.equal(bench.clock.nowMs(), 100);
  });

  test('carried out a little later -> applied', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = command => {
      if (!command.startsWith('set server')) return undefined;
      bench.clock.after(40, () => Object.assign(bench.haproxy.servers.get('web/a') ?? {}, {addr: '10.0.0.2'}));
      return '';
    };
    assert.equal((await bench.apply(MOVED)).is, 'applied');
  });

  test('the second of two is not taken -> refused', async () => {
    const bench = openBench(textOf('a 10.0.0.1:80', 'b 10.0.0.1:80'), {'web/a': {}, 'web/b': {}});
    bench.haproxy.intercept = command => (command.startsWith('set server web/b') ? '' : undefined);
    const outcome = await bench.apply(textOf('a 10.0.0.2:80', 'b 10.0.0.2:80'));
    assert.deepEqual(outcome, {is: 'refused', why: 'told at run time, but web/b is at 10.0.0.1, not 10.0.0.2'});
  });

  for (const [name, {check, options, other}, is] of [
    ['a check of its former address is under way', {check: 7, options: 'check', other: ''}, 'unfit'],
    ['no check is under way', {check: 6, options: 'check', other: ''}, 'applied'],
    ['the only one, which may fail twice', {check: 7, options: 'check fall 2', other: ' weight 0'}, 'applied'],
    ['the only one, which may not', {check: 7, options: 'check fall 1', other: ' weight 0'}, 'unfit'],
  ] as const) {
    test(`a checked server moves, ${name} -> ${is}`, async () => {
      const text = (ip: string) => textOf(`a ${ip}:80 ${options}`, `b 10.0.0.3:80${other}`);
      const weight = other === '' ? 1 : 0;
      const bench = openBench(text('10.0.0.1'), {'web/a': {check}, 'web/b': {addr: '10.0.0.3', check: 1, weight}});
      const outcome = await bench.apply(text('10.0.0.2'));
      assert.equal(outcome.is, is);
      assert.equal(bench.haproxy.servers.get('web/a')?.addr, is === 'unfit' ? '10.0.0.1' : '10.0.0.2');
    });
  }

  test('a limited server moves, requests take its limit -> unfit', async () => {
    const bench = openBench(textOf('a 10.0.0.1:80 maxconn 5'), {'web/a': {}});
    bench.haproxy.intercept = command =>
      command === 'show stat -1 4 -1' ? '# pxname,svname,scur,\nweb,a,5,' : undefined;
    const {is, why} = await bench.apply(textOf('a 10.0.0.2:80 maxconn 5'));
    assert.deepEqual([is, why.includes('web/a has 5 requests under way')], ['unfit', true]);
    assert.equal(bench.haproxy.servers.get('web/a')?.addr, '10.0.0.1');
  });

  test('a checked server moves, a check of its former address ends in the next moment -> told', async () => {
    const bench = openBench(textOf('a 10.0.0.1:80 check'), {'web/a': {check: 7}});
    bench.clock.after(20, () => Object.assign(bench.haproxy.servers.get('web/a') ?? {}, {check: 6}));
    assert.equal((await bench.apply(textOf('a 10.0.0.2:80 check'))).is, 'applied');
  });

  test('a server that comes is refused -> those that go for its sake are not told so', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = command => (command.startsWith('add server') ? 'Unknown option' : undefined);
    const outcome = await bench.apply(textOf('b 10.0.0.2:80'));
    assert.deepEqual(outcome, {
      is: 'refused',
      why: 'told at run time, but there is no web/b (HAProxy says: Unknown option)',
    });
    assert.equal(bench.haproxy.servers.get('web/a')?.admin, 0);
  });

  test('a server of its name was added by hand, with options that nobody sees -> refused', async () => {
    const bench = openBench(BEFORE, ONE);
    const taken = 'Already exists a server with the same name in backend.';
    bench.haproxy.intercept = command => (command.startsWith('add server') ? taken : undefined);
    assert.deepEqual(await bench.apply(textOf('b 10.0.0.2:80')), {
      is: 'refused',
      why: `told at run time, but HAProxy says: ${taken}`,
    });
  });

  test('it dies of a command -> refused, the cause is said', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = command =>
      command.startsWith('set server') ? new DaemonError('PROXY', 'read ECONNRESET') : undefined;
    assert.deepEqual(await bench.apply(MOVED), {is: 'refused', why: 'told at run time, but read ECONNRESET'});
  });

  test('it dies and is back before it is looked at -> refused though it stands as told', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = () => {
      bench.proc.child = {pid: 101};
      return undefined;
    };
    assert.deepEqual(await bench.apply(MOVED), {is: 'refused', why: 'HAProxy died while it was told'});
  });

  test('a full disk by then -> refused, since no file says what runs', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = command => {
      if (command.startsWith('show servers state')) bench.memory.failWith(systemError('ENOSPC'));
      return undefined;
    };
    assert.deepEqual(await bench.apply(MOVED), {
      is: 'refused',
      why: 'told at run time, but that cannot be written down: ENOSPC: refused by a test',
    });
    assert.equal(bench.generation.text, BEFORE);
  });
});

describe('ports, where HAProxy 1.7 tells them in its statistics alone', () => {
  for (const [name, taken, is] of [
    ['taken', true, 'applied'],
    ['not taken', false, 'refused'],
  ] as const) {
    test(`a new port, ${name} -> ${is}`, async () => {
      const bench = openBench(BEFORE, ONE, {version: {text: '1.7.5', major: 1, minor: 7, patch: 5}});
      bench.haproxy.tellsPort = false;
      bench.haproxy.intercept = command => (command.startsWith('set server') && !taken ? '' : undefined);
      assert.equal((await bench.apply(textOf('a 10.0.0.1:81'))).is, is);
      assert.ok(bench.haproxy.asked.includes('show stat -1 4 -1'));
    });
  }

  test('the port stays -> the statistics of thousands of servers are not asked for', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.tellsPort = false;
    assert.equal((await bench.apply(MOVED)).is, 'applied');
    assert.ok(!bench.haproxy.asked.some(command => command.startsWith('show stat')));
  });
});

describe('backends that are read back', () => {
  for (const [count, questions] of [
    [4, ['show servers state b0', 'show servers state b1', 'show servers state b2', 'show servers state b3']],
    [5, ['show servers state']],
  ] as const) {
    test(`${count} backends -> asked ${questions.length === 1 ? 'for all at once' : 'one by one'}`, async () => {
      const names = Array.from({length: count}, (_, index) => `b${index}`);
      const text = (ip: string) => names.map(name => `backend ${name}\n  server a ${ip}:80\n`).join('');
      const bench = openBench(text('10.0.0.1'), Object.fromEntries(names.map(name => [`${name}/a`, {}])));
      assert.equal((await bench.apply(text('10.0.0.2'))).is, 'applied');
      assert.deepEqual(
        bench.haproxy.asked.filter(command => command.startsWith('show')),
        questions,
      );
    });
  }
});

describe('a text that is told beside its check', () => {
  const JOINED = textOf('a 10.0.0.1:80', 'b 10.0.0.2:80');
  const refusal = new DaemonError('VALIDATE', 'cannot validate it');
  const refuse = () => Promise.reject(refusal);

  test('a server more -> told while the check is under way, written down when that is over', async () => {
    const bench = openBench(BEFORE, ONE);
    const checked = Promise.withResolvers<void>();
    const applied = bench.runtime.apply(bench.generation, JOINED, () => checked.promise);
    await waitForTurns(() => bench.haproxy.servers.has('web/b'));
    for (let turn = 0; turn < 50; turn += 1) await bench.clock.advance(0);
    assert.deepEqual([bench.dataOf('/data/proxy.cfg'), bench.generation.text], [undefined, BEFORE]);
    checked.resolve();
    assert.deepEqual(await bench.during(applied), {is: 'applied', why: 'added web/b'});
    assert.deepEqual([bench.dataOf('/data/proxy.cfg'), bench.generation.text], [JOINED, JOINED]);
  });

  for (const [name, before, after] of [
    ['a server that came goes again', BEFORE, JOINED],
    ['one that went comes back', JOINED, BEFORE],
    ['one that moved moves back', BEFORE, textOf('a 10.0.0.9:80 # moved')],
    ['one that was weighed is weighed back', BEFORE, textOf('a 10.0.0.1:80 weight 300 weight 7')],
    ['one that was disabled is enabled', BEFORE, textOf('a 10.0.0.1:80 disabled disabled # gone')],
    ['one that took the place of another', BEFORE, textOf('b 10.0.0.2:80')],
  ] as const) {
    test(`the check refuses, ${name} -> HAProxy runs what it ran, nothing is written`, async () => {
      const has = {'web/a': {addr: '10.0.0.1'}, ...(before === JOINED && {'web/b': {addr: '10.0.0.2'}})};
      const bench = openBench(before, has);
      const was = structuredClone([...bench.haproxy.servers]);
      const outcome = await bench.apply(after, refuse);
      assert.deepEqual(outcome, {is: 'invalid', why: 'it cannot be committed', fault: refusal, isTakenBack: true});
      assert.notDeepEqual(bench.haproxy.asked, []);
      assert.deepEqual([...bench.haproxy.servers], was);
      assert.deepEqual([bench.memory.contents.size, bench.generation.text], [0, before]);
    });
  }

  for (const [name, after] of [
    ['it moves', textOf('a 10.0.0.9:80 # moved')],
    ['it goes', textOf('b 10.0.0.2:80')],
  ] as const) {
    test(`the check refuses, and a server is down, ${name} -> checked before HAProxy is told, which hears of nothing`, async () => {
      const bench = openBench(BEFORE, {'web/a': {addr: '10.0.0.1', isDown: true}});
      assert.deepEqual(await bench.apply(after, refuse), {is: 'unfit', why: 'its check refuses it'});
      assert.deepEqual(
        bench.haproxy.asked.filter(command => !command.startsWith('show')),
        [],
      );
      assert.equal((await bench.apply(after, async () => {})).is, 'applied');
    });
  }

  test('a server is down, and the text needs no check -> told', async () => {
    const bench = openBench(BEFORE, {'web/a': {addr: '10.0.0.1', isDown: true}});
    assert.equal((await bench.apply(MOVED, refuse)).is, 'applied');
  });

  test('a server is in maintenance, or HAProxy does not say which are down -> told first, or checked first', async () => {
    const bench = openBench(textOf('a 10.0.0.1:80 disabled'), {'web/a': {addr: '10.0.0.1', admin: 1}});
    assert.equal((await bench.apply(textOf('a 10.0.0.9:80 disabled # moved'), refuse)).is, 'invalid');
    const silent = openBench(BEFORE, ONE);
    silent.haproxy.intercept = command =>
      command.startsWith('show servers') ? new DaemonError('PROXY', 'no answer') : undefined;
    assert.equal((await silent.apply(textOf('a 10.0.0.9:80 # moved'), refuse)).is, 'unfit');
  });

  test('the check refuses, and so did HAProxy -> what was told is taken back, what was not is left alone', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = command => (command.startsWith('add server web/c') ? 'Unknown option' : undefined);
    const outcome = await bench.apply(textOf('b 10.0.0.2:80', 'c 10.0.0.3:80'), refuse);
    assert.equal(outcome.is === 'invalid' && outcome.isTakenBack, true);
    assert.deepEqual([...bench.haproxy.servers.keys()], ['web/a']);
    assert.equal(bench.haproxy.servers.get('web/a')?.admin, 0);
  });

  for (const [name, intercept] of [
    ['HAProxy does not take it back', (command: string) => (/state maint|^del/.test(command) ? '' : undefined)],
    [
      'it is lost on the way',
      (command: string) => (command.includes('maint') ? new DaemonError('PROXY', 'x') : undefined),
    ],
  ] as const) {
    test(`the check refuses, ${name} -> said`, async () => {
      const bench = openBench(BEFORE, ONE);
      bench.haproxy.intercept = intercept;
      const outcome = await bench.apply(JOINED, refuse);
      assert.equal(outcome.is === 'invalid' && outcome.isTakenBack, false);
      assert.deepEqual([bench.memory.contents.size, bench.generation.text], [0, BEFORE]);
    });
  }

  test('the check refuses, another HAProxy runs by then -> not said to be taken back', async () => {
    const bench = openBench(BEFORE, ONE);
    const outcome = await bench.apply(JOINED, () => {
      bench.proc.child = {pid: 101};
      return refuse();
    });
    assert.equal(outcome.is === 'invalid' && outcome.isTakenBack, false);
  });

  test('taken back, a check of where it moved to is under way -> not told, said', async () => {
    const [here, there] = ['10.0.0.1', '10.0.0.2'].map(ip => textOf(`a ${ip}:80 check`, 'b 10.0.0.3:80')) as [
      string,
      string,
    ];
    const bench = openBench(here, {'web/a': {addr: '10.0.0.1', check: 6}, 'web/b': {addr: '10.0.0.3'}});
    const outcome = await bench.apply(`# moved\n${there}`, () => {
      Object.assign(bench.haproxy.servers.get('web/a') ?? {}, {check: 7});
      return refuse();
    });
    assert.equal(outcome.is === 'invalid' && outcome.isTakenBack, false);
    assert.equal(bench.haproxy.servers.get('web/a')?.addr, '10.0.0.2');
  });

  test('the way back cannot be told -> said', async () => {
    const stick = (text: string) => `${text}  stick-table type ip size 1k\n`;
    const bench = openBench(`${BEFORE}`, ONE);
    const outcome = await bench.apply(JOINED, () => {
      bench.generation.runsNow(stick(BEFORE));
      return refuse();
    });
    assert.equal(outcome.is === 'invalid' && outcome.isTakenBack, false);
  });

  test('taken back while the server has connections -> in maintenance, deleted when it has none', async () => {
    const bench = openBench(BEFORE, ONE);
    let isBusy = true;
    bench.haproxy.intercept = command =>
      command.startsWith('del server') && isBusy ? 'Server still has connections attached to it' : undefined;
    const outcome = await bench.apply(JOINED, refuse);
    assert.equal(outcome.is === 'invalid' && outcome.isTakenBack, true);
    assert.notEqual(bench.haproxy.servers.get('web/b')?.admin, 0);
    isBusy = false;
    await bench.clock.advance(2000);
    assert.equal(bench.haproxy.servers.has('web/b'), false);
  });

  test('nothing to tell, the check refuses -> HAProxy is not asked anything', async () => {
    const bench = openBench(BEFORE, ONE);
    const outcome = await bench.apply(`# two\n${BEFORE}`, refuse);
    assert.deepEqual([outcome.is === 'invalid' && outcome.isTakenBack, bench.haproxy.asked], [true, []]);
    assert.deepEqual([bench.memory.contents.size, bench.generation.text], [0, BEFORE]);
  });

  test('HAProxy refuses, the check does not -> refused, no file is left', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.haproxy.intercept = command => (command.startsWith('add server') ? 'Unknown option' : undefined);
    assert.equal((await bench.apply(JOINED, async () => {})).is, 'refused');
    assert.equal(bench.memory.contents.size, 0);
  });

  test('a full disk -> nothing is checked, it is taken back', async () => {
    const bench = openBench(BEFORE, ONE);
    bench.memory.failWith(systemError('ENOSPC'));
    const outcome = await bench.apply(JOINED, () => Promise.reject(new Error('it was checked')));
    assert.deepEqual(outcome.is === 'invalid' && [outcome.isTakenBack, reasonOf(outcome.fault)], [
      true,
      'cannot write /data/proxy.cfg: ENOSPC: refused by a test; make room in KONTROL_DATA',
    ]);
    assert.deepEqual([...bench.haproxy.servers.keys()], ['web/a']);
  });

  for (const [name, check] of [
    ['it was taken for good', undefined],
    ['it was taken and given back', refuse],
  ] as const) {
    test(`a spare server, connections to it stay, ${name} -> taken once`, async () => {
      const text = (server: string) => `${textOf('a 10.0.0.1:80', server)}  mode http\n`;
      const spare = text('b 192.0.2.1:80 disabled');
      const bench = openBench(spare, {'web/a': {}, 'web/b': {addr: '192.0.2.1', admin: 5}});
      const {is} = await bench.apply(`# one\n${text('b 10.0.0.2:80')}`, check);
      assert.equal(is, check === undefined ? 'applied' : 'invalid');
      if (check === undefined) assert.equal((await bench.apply(spare)).is, 'applied');
      assert.equal((await bench.apply(text('b 10.0.0.3:80'))).is, 'unfit');
    });
  }

  test('a move, plain as can be -> not checked', async () => {
    const bench = openBench(BEFORE, ONE);
    assert.equal((await bench.apply(MOVED, refuse)).is, 'applied');
  });
});

describe('a text that may be told', () => {
  for (const [name, after, isChange] of [
    ['a move', MOVED, true],
    ['a server more', textOf('a 10.0.0.1:80', 'b 10.0.0.2:80'), true],
    ['another frame', `global\n  maxconn 9\n${BEFORE}`, false],
  ] as const) {
    test(`${name} -> ${isChange}`, async () => {
      const bench = openBench(BEFORE, ONE);
      assert.equal(await bench.runtime.isChange(bench.generation, after), isChange);
      assert.deepEqual(bench.haproxy.asked, []);
    });
  }

  test('asked of one text, applied another -> the other one is applied', async () => {
    const bench = openBench(BEFORE, ONE);
    assert.equal(await bench.runtime.isChange(bench.generation, textOf('a 10.0.0.7:80')), true);
    assert.deepEqual(await bench.apply(MOVED), {is: 'applied', why: 'moved web/a'});
    assert.equal(bench.haproxy.servers.get('web/a')?.addr, '10.0.0.2');
  });

  test('asked, then another text runs -> compared anew', async () => {
    const bench = openBench(BEFORE, ONE);
    assert.equal(await bench.runtime.isChange(bench.generation, MOVED), true);
    bench.generation.runsNow(`global\n  maxconn 9\n${BEFORE}`);
    assert.equal(await bench.runtime.isChange(bench.generation, MOVED), false);
  });
});

describe('checked servers that come', () => {
  const checked = (...names: readonly string[]) =>
    textOf('a 10.0.0.1:80', ...names.map(name => `${name} 10.0.0.2:80 check`));

  test('as many as there is room for, all told -> added; one more -> unfit, nothing is told', async () => {
    const {apply, haproxy} = openBench(BEFORE, ONE);
    assert.equal((await apply(checked('b', 'c', 'd'))).is, 'applied');
    assert.equal((await apply(checked('b', 'c', 'd', 'e'))).is, 'applied');
    const {is, why} = await apply(checked('b', 'c', 'd', 'e', 'f'));
    assert.equal(is, 'unfit');
    assert.match(why, /the limit of 64 open files, .* checks of 5 more servers/);
    assert.equal(haproxy.servers.has('web/f'), false);
    assert.equal((await apply(checked('b', 'c', 'd'))).is, 'applied');
  });

  test('HAProxy does not say what it has room for -> unfit', async () => {
    const {apply, haproxy} = openBench(BEFORE, ONE);
    haproxy.intercept = command => (command === 'show info' ? new DaemonError('PROXY', 'no answer') : undefined);
    assert.deepEqual(await apply(checked('b')), {is: 'unfit', why: 'no answer'});
    assert.equal((await apply(textOf('a 10.0.0.1:80', 'b 10.0.0.2:80'))).is, 'applied');
  });
});

describe('servers that were removed', () => {
  const TWO = textOf('a 10.0.0.1:80', 'b 10.0.0.2:80');
  const withTwo = () => openBench(TWO, {'web/a': {}, 'web/b': {addr: '10.0.0.2', connections: 1}});
  const deletes = ({asked}: {asked: readonly string[]}) => asked.filter(command => command.startsWith('del server'));

  test('idle -> deleted at once, never asked for again', async () => {
    const {apply, clock, haproxy} = openBench(TWO, {'web/a': {}, 'web/b': {addr: '10.0.0.2'}});
    assert.equal((await apply(BEFORE)).is, 'applied');
    const before = deletes(haproxy).length;
    await clock.advance(10_000);
    assert.deepEqual([haproxy.servers.has('web/b'), deletes(haproxy).length], [false, before]);
  });

  test('with connections -> in maintenance, tried every 2 s until they end', async () => {
    const {apply, clock, haproxy} = withTwo();
    assert.equal((await apply(BEFORE)).is, 'applied');
    assert.equal(haproxy.servers.get('web/b')?.admin, 1);
    const counts: number[] = [];
    for (const waitMs of [0, 1999, 1, 2000]) {
      await clock.advance(waitMs);
      counts.push(deletes(haproxy).length);
    }
    const [first = 0] = counts;
    assert.deepEqual(counts, [first, first, first + 1, first + 2]);
    Object.assign(haproxy.servers.get('web/b') ?? {}, {connections: 0});
    await clock.advance(2000);
    assert.equal(haproxy.servers.has('web/b'), false);
    await clock.advance(10_000);
    assert.equal(deletes(haproxy).length, first + 3);
  });

  test('it returns while it has connections -> unfit, nothing is told', async () => {
    const {apply, haproxy} = withTwo();
    await apply(BEFORE);
    const before = haproxy.asked.filter(command => command.startsWith('add')).length;
    assert.deepEqual(await apply(TWO), {is: 'unfit', why: 'web/b returns while it still has connections'});
    assert.equal(haproxy.asked.filter(command => command.startsWith('add')).length, before);
  });

  test('it returns once they have ended -> added', async () => {
    const {apply, haproxy} = withTwo();
    await apply(BEFORE);
    Object.assign(haproxy.servers.get('web/b') ?? {}, {connections: 0});
    assert.deepEqual(await apply(TWO), {is: 'applied', why: 'added web/b'});
  });

  test('another is added meanwhile -> nothing is asked of the one that leaves', async () => {
    const {apply, haproxy} = withTwo();
    await apply(BEFORE);
    const before = deletes(haproxy).length;
    assert.equal((await apply(textOf('a 10.0.0.1:80', 'c 10.0.0.3:80'))).is, 'applied');
    // Each change that is applied tries once.
    assert.equal(deletes(haproxy).length, before + 1);
  });

  test('changes while one leaves -> it is still tried every 2 s, no more often', async () => {
    const {apply, clock, haproxy} = withTwo();
    await apply(BEFORE);
    await clock.advance(1000);
    await apply(textOf('a 10.0.0.5:80'));
    const before = deletes(haproxy).length;
    await clock.advance(1000);
    assert.equal(deletes(haproxy).length, before + 1);
    await clock.advance(1999);
    assert.equal(deletes(haproxy).length, before + 1);
    await clock.advance(1);
    assert.equal(deletes(haproxy).length, before + 2);
  });

  test('HAProxy does not run any more -> forgotten without a question', async () => {
    const {apply, clock, haproxy, proc} = withTwo();
    await apply(BEFORE);
    const before = haproxy.asked.length;
    proc.job = {is: 'STOPPED'};
    await clock.advance(10_000);
    assert.equal(haproxy.asked.length, before);
  });

  test('the socket does not answer -> tried again', async () => {
    const {apply, clock, haproxy} = withTwo();
    await apply(BEFORE);
    haproxy.intercept = () => new DaemonError('PROXY', 'no answer within 2000 ms');
    await clock.advance(2000);
    haproxy.intercept = () => undefined;
    Object.assign(haproxy.servers.get('web/b') ?? {}, {connections: 0});
    await clock.advance(2000);
    assert.equal(haproxy.servers.has('web/b'), false);
  });

  test('another generation serves since -> its servers are its own', async () => {
    const {apply, generation, runtime} = withTwo();
    await apply(BEFORE);
    const other = openBench(BEFORE, ONE).generation;
    assert.equal((await runtime.apply(other, `# two\n${BEFORE}`)).is, 'applied');
    assert.equal((await apply(TWO)).is, 'applied', generation.text);
  });
});
