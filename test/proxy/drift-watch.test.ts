import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {type Drift, openDriftWatch, type RunningProxy, wholeAgainMs} from '../../src/proxy/drift-watch.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeHaproxy, fakeServer} from '../reload/fake-haproxy.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const START_AT = 1_500_000_000_000;

const textOf = (...servers: readonly string[]): string =>
  ['backend web', ...servers.map(server => `  server ${server}`), ''].join('\n');

/** A watch over a HAProxy that runs web/a, with what its listener was told. */
function openBench() {
  const clock = createFakeClock(0, START_AT);
  const {log, said} = openLogSink();
  const haproxy = createFakeHaproxy(100, {'web/a': {}});
  const proxy: {running: RunningProxy | undefined; changedFiles: string[]; isLong: boolean} = {
    changedFiles: [],
    isLong: false,
    running: {pid: 100, socket: '/run/1.sock', text: textOf('a 10.0.0.1:80')},
  };
  const sockets = new Set<string>();
  const ask = (socket: string, command: string) => {
    sockets.add(socket);
    return haproxy.ask(command);
  };
  const watch = openDriftWatch({
    clock,
    log,
    ask,
    askShort: async (...asked) => (proxy.isLong ? undefined : ask(...asked)),
    running: () => proxy.running,
    changedFiles: async () => proxy.changedFiles,
  });
  const told: Drift[] = [];
  const unfollow = watch.follow(drift => told.push(drift));
  const looks = () => haproxy.asked.filter(command => command === 'show servers state').length;
  const shown = () => watch.drift.deviations.map(({server, what, found, sinceAt}) => [server, what, found, sinceAt]);
  const change = (changes: Parameters<typeof fakeServer>[0]) =>
    void haproxy.servers.set('web/a', fakeServer({...haproxy.servers.get('web/a'), ...changes}));
  /** Lets a look that has begun come to its end, without any time going on. */
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await clock.advance(0);
  };
  return {change, clock, haproxy, looks, proxy, said, settle, shown, sockets, told, unfollow, watch};
}

describe('watch over what HAProxy runs', () => {
  test('before the first look -> nothing is known, and said so', () => {
    const {told, looks} = openBench();
    assert.deepEqual(told, [{lookedAt: null, count: 0, deviations: []}]);
    assert.equal(looks(), 0);
  });

  test('as the text says -> looked at, nobody is told again', async () => {
    const {watch, told, sockets} = openBench();
    await watch.look();
    assert.deepEqual(watch.drift, {lookedAt: START_AT, count: 0, deviations: []});
    assert.deepEqual([told.length, [...sockets]], [1, ['/run/1.sock']]);
  });

  test('no look is asked for -> every 10 s', async () => {
    const {clock, looks, settle} = openBench();
    const counts: number[] = [];
    for (const waitMs of [9999, 1, 9999, 1]) {
      await clock.advance(waitMs);
      await settle();
      counts.push(looks());
    }
    assert.deepEqual(counts, [0, 1, 1, 2]);
  });

  test('many servers -> all of them every 10 s, what only statistics tell less often while nothing changes', async () => {
    assert.deepEqual([0, 200, 201, 1000, 1200, 50_000].map(wholeAgainMs), [0, 0, 20_000, 50_000, 60_000, 60_000]);
    const {clock, haproxy, looks, proxy, settle, shown, change} = openBench();
    const names = Array.from({length: 200}, (_, n) => `more-${n}`);
    const text = textOf('a 10.0.0.1:80', ...names.map(one => `${one} 10.0.0.1:80`));
    proxy.running = {pid: 100, socket: '/run/1.sock', text};
    for (const name of names) haproxy.servers.set(`web/${name}`, fakeServer({}));
    const counts: unknown[] = [];
    const lookOn = async () => {
      await clock.advance(10_000);
      await settle();
      const whole = haproxy.asked.filter(command => command === 'show stat -1 4 -1').length;
      counts.push([looks(), whole, shown().length]);
    };
    for (let turn = 0; turn < 3; turn += 1) await lookOn();
    change({admin: 1});
    await lookOn();
    change({admin: 0});
    for (let turn = 0; turn < 2; turn += 1) await lookOn();
    // Another text of the same servers.
    proxy.running = {...proxy.running, text: `${text}# more\n`};
    await lookOn();
    assert.deepEqual(counts, [
      [1, 1, 0],
      [2, 1, 0],
      [3, 2, 0],
      [4, 3, 1],
      [5, 4, 0],
      [6, 4, 0],
      [7, 5, 0],
    ]);
  });

  test('a look was asked for -> the next by itself comes 10 s after it', async () => {
    const {clock, looks, settle, watch} = openBench();
    await clock.advance(6000);
    await watch.look();
    await clock.advance(9999);
    assert.equal(looks(), 1);
    await clock.advance(1);
    await settle();
    assert.equal(looks(), 2);
  });

  test('an operator takes a server out -> told once, with since when; back in -> told', async () => {
    const {change, clock, said, settle, shown, told} = openBench();
    change({admin: 1});
    await clock.advance(10_000);
    await settle();
    await clock.advance(10_000);
    await settle();
    assert.deepEqual(shown(), [['a', 'state', 'maint', START_AT + 10_000]]);
    assert.deepEqual(
      told.map(({count}) => count),
      [0, 1],
    );
    assert.deepEqual(
      said('differs from its text').map(({reason, count}) => [reason, count]),
      [['web/a is in maintenance, not ready', 1]],
    );
    change({admin: 0});
    await clock.advance(10_000);
    await settle();
    assert.deepEqual(
      told.map(({count}) => count),
      [0, 1, 0],
    );
    assert.equal(said('runs what its text says again').length, 1);
  });

  test('one is changed again, and another beside it -> each has its own age', async () => {
    const {change, clock, settle, shown, told} = openBench();
    change({admin: 1, weight: 5});
    await clock.advance(10_000);
    await settle();
    change({admin: 1, weight: 6});
    await clock.advance(10_000);
    await settle();
    assert.deepEqual(shown(), [
      ['a', 'weight', '6', START_AT + 20_000],
      ['a', 'state', 'maint', START_AT + 10_000],
    ]);
    assert.equal(told.length, 3);
  });

  test('many -> all are counted, a hundred are shown', async () => {
    const {haproxy, proxy, watch} = openBench();
    const names = Array.from({length: 250}, (_, index) => `s${index}`);
    proxy.running = {pid: 100, socket: '/s', text: textOf(...names.map(name => `${name} 10.0.0.1:80`))};
    haproxy.servers.clear();
    for (const name of names) haproxy.servers.set(`web/${name}`, fakeServer({weight: 2}));
    await watch.look();
    assert.deepEqual([watch.drift.count, watch.drift.deviations.length], [250, 100]);
  });

  test('another text runs -> compared with that', async () => {
    const {change, proxy, watch} = openBench();
    await watch.look();
    change({addr: '10.0.0.2'});
    proxy.running = {pid: 100, socket: '/s', text: textOf('a 10.0.0.2:80')};
    await watch.look();
    assert.equal(watch.drift.count, 0);
  });

  test('1.7 tells no ports -> its statistics are asked', async () => {
    const {change, haproxy, shown, watch} = openBench();
    haproxy.tellsPort = false;
    change({port: 81});
    await watch.look();
    assert.deepEqual(shown(), [['a', 'port', '81', START_AT]]);
  });

  test('thousands of servers, none with an agent -> their statistics are not asked', async () => {
    const {haproxy, proxy, watch} = openBench();
    const names = Array.from({length: 2001}, (_, index) => `s${index}`);
    proxy.running = {pid: 100, socket: '/s', text: textOf(...names.map(name => `${name} 10.0.0.1:80`))};
    haproxy.servers.clear();
    for (const name of names) haproxy.servers.set(`web/${name}`, fakeServer());
    await watch.look();
    assert.equal(haproxy.asked.includes('show stat -1 4 -1'), false);
    assert.equal(watch.drift.lookedAt, START_AT);
  });

  test('a limit is set by hand -> seen by the next look of its own; a new process has none', async () => {
    const {clock, haproxy, proxy, settle, watch} = openBench();
    const limits = (maxconn: number) => {
      haproxy.intercept = command => (command === 'show info' ? `Pid: 1\nMaxconn: ${maxconn}` : undefined);
    };
    limits(100);
    await watch.look();
    limits(9);
    await watch.look();
    assert.equal(watch.drift.count, 0);
    await clock.advance(10_000);
    await settle();
    assert.deepEqual(
      watch.drift.deviations.map(({subject, found}) => [subject, found]),
      [["HAProxy's Maxconn", '9']],
    );
    proxy.running = {pid: 101, socket: '/run/2.sock', text: textOf('a 10.0.0.1:80')};
    await watch.look();
    assert.equal(watch.drift.count, 0);
  });

  test('a file that the text names has changed -> told, until HAProxy has read it', async () => {
    const {clock, proxy, settle, told, watch} = openBench();
    await watch.look();
    proxy.changedFiles = ['/etc/hosts.map'];
    await clock.advance(10_000);
    await settle();
    assert.deepEqual(
      watch.drift.deviations.map(({subject, what, found}) => [subject, what, found]),
      [['file /etc/hosts.map', 'content', 'changed']],
    );
    proxy.changedFiles = [];
    await clock.advance(10_000);
    await settle();
    assert.deepEqual(
      told.map(({count}) => count),
      [0, 1, 0],
    );
  });

  test('a text whose requests change maps -> the entries are not asked', async () => {
    const {haproxy, proxy, watch} = openBench();
    proxy.running = {
      pid: 100,
      socket: '/s',
      text: `${textOf('a 10.0.0.1:80')}  http-request set-map(/m) %[src] 1\n`,
    };
    await watch.look();
    assert.deepEqual([haproxy.asked.includes('show info'), haproxy.asked.includes('show map')], [true, false]);
  });
});

describe('a server that its agent drains', () => {
  for (const [status, answered] of [
    ['L7OK', true],
    ['* L7OK', true],
    ['CHECKED', true],
    ['* CHECKED', true],
    ['INI', false],
    ['L4CON', false],
  ] as const) {
    test(`its agent's status is ${status} -> ${answered ? 'its affair' : 'told, nobody heard that agent'}`, async () => {
      const {haproxy, watch} = openBench();
      haproxy.intercept = command => {
        if (command === 'show servers state')
          return '1\n# be_name srv_name srv_addr srv_port srv_uweight srv_admin_state srv_agent_state\nweb a 10.0.0.1 80 1 8 22';
        return command === 'show stat -1 4 -1' ? `# pxname,svname,slim,agent_status,\nweb,a,5,${status},` : undefined;
      };
      await watch.look();
      assert.deepEqual(
        watch.drift.deviations.map(({what}) => what),
        answered ? [] : ['state', 'maxconn'],
      );
    });
  }
});

/** What is seen once another value stands in a list, by HAProxys that tell of it in these words. */
async function seesOtherValue(listed: string, isLong: boolean): Promise<readonly string[]> {
  const {clock, haproxy, proxy, settle, watch} = openBench();
  let value = 'one';
  proxy.isLong = isLong;
  haproxy.intercept = command => {
    if (command === 'show map') return `# id (file) description\n${listed}\n`;
    return command === 'show map #5' ? `0x1 /a ${value}\n` : undefined;
  };
  await watch.look();
  value = 'two';
  await clock.advance(10_000);
  await settle();
  return watch.drift.deviations.map(({subject, found}) => `${subject}: ${found}`);
}

describe('set map to another value', () => {
  for (const [name, listed, isLong, seen] of [
    ['few entries', '5 (/m.map) map. curr_ver=0 next_ver=0 entry_cnt=1', false, true],
    ['many entries', '5 (/m.map) map. curr_ver=0 next_ver=0 entry_cnt=10001', false, false],
    ['before 2.4', '5 (/m.map) map', false, true],
    ['before 2.4, a long answer', '5 (/m.map) map', true, false],
  ] as const) {
    test(`${name} -> ${seen ? 'seen' : 'not looked at'}`, async () => {
      assert.deepEqual(await seesOtherValue(listed, isLong), seen ? ['map /m.map: other entries or values'] : []);
    });
  }
});

describe('a look that comes to nothing', () => {
  const keeps = async (bench: ReturnType<typeof openBench>, disturb: () => void) => {
    bench.change({admin: 1});
    await bench.watch.look();
    const {running} = bench.proxy;
    const before = bench.watch.drift;
    bench.change({admin: 0});
    disturb();
    await bench.watch.look();
    assert.equal(bench.watch.drift, before);
    assert.equal(bench.told.length, 2);
    bench.proxy.running = running;
    bench.haproxy.intercept = () => undefined;
    await bench.clock.advance(10_000);
    await bench.settle();
    assert.deepEqual([bench.watch.drift.count, bench.told.length], [0, 3]);
  };

  test('nothing runs -> what was known stays, the next look is in 10 s', async () => {
    const bench = openBench();
    await keeps(bench, () => {
      bench.proxy.running = undefined;
    });
  });

  for (const [name, answer] of [
    ['no answer', new DaemonError('PROXY', 'no answer within 2000 ms')],
    ['an answer of another kind', 'Unknown command.'],
  ] as const) {
    test(`${name} -> what was known stays, the next look is in 10 s`, async () => {
      const bench = openBench();
      await keeps(bench, () => {
        bench.haproxy.intercept = () => answer;
      });
    });
  }

  for (const [name, becomes] of [
    ['another process', {pid: 101}],
    ['another socket', {socket: '/run/2.sock'}],
    ['another text', {text: textOf('a 10.0.0.2:80')}],
    ['a change that begins', undefined],
  ] as const) {
    test(`${name} meanwhile -> what was known stays, the next look is in 10 s`, async () => {
      const bench = openBench();
      const {running} = bench.proxy;
      await keeps(bench, () => {
        bench.haproxy.intercept = () => {
          bench.proxy.running = becomes && running && {...running, ...becomes};
          return undefined;
        };
      });
    });
  }

  test('a fault of ours -> passed on, not taken for silence', async () => {
    const {haproxy, watch} = openBench();
    haproxy.intercept = () => new TypeError('x is not a function');
    await assert.rejects(watch.look(), TypeError);
  });
});

describe('the end of a watch', () => {
  test('unfollowed -> told nothing more', async () => {
    const {change, told, unfollow, watch} = openBench();
    unfollow();
    change({admin: 1});
    await watch.look();
    assert.deepEqual([told.length, watch.drift.count], [1, 1]);
  });

  test('closed -> no look any more, asked for or not', async () => {
    const {clock, looks, settle, watch} = openBench();
    watch.close();
    await watch.look();
    await clock.advance(60_000);
    await settle();
    assert.equal(looks(), 0);
  });

  test('closed during a look -> it tells nothing, none follows', async () => {
    const {change, clock, haproxy, looks, settle, told, watch} = openBench();
    change({admin: 1});
    haproxy.intercept = () => {
      watch.close();
      return undefined;
    };
    await watch.look();
    await clock.advance(60_000);
    await settle();
    assert.deepEqual([told.length, watch.drift.lookedAt, looks()], [1, null, 1]);
  });
});
