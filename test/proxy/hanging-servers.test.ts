import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Row} from '../../src/proxy/answers.ts';
import {findRestless, type HangingHistory, noteHanging} from '../../src/proxy/hanging-servers.ts';
import {NONE_MEANT} from '../../src/proxy/meant-errors.ts';
import {createTroubleWatch} from '../../src/proxy/trouble-watch.ts';
import {createFakeClock} from '../support/fake-clock.ts';

/** What HAProxy has counted of a server. */
interface Counts {
  given: number;
  answered: number;
  /** What it has now. */
  current: number;
  responseTime: number;
  aborted: number;
  isDown: boolean;
}

const NOTHING: Counts = {given: 0, answered: 0, current: 0, responseTime: 0, aborted: 0, isDown: false};

/**
 * A backend whose servers are looked at every 2 s: `server` says what each has counted by the look of that number, `own`
 * how many requests HAProxy has answered itself, and `pid` which HAProxy it is.
 */
function open(
  server: (name: string, look: number) => Partial<Counts> | undefined,
  names = ['a', 'b', 'c'],
  own: (look: number) => number = () => 0,
  pid: (look: number) => number = () => 7,
) {
  const clock = createFakeClock(1_000_000);
  const watch = createTroubleWatch({
    clock,
    bound: {percent: 10, windowMs: 60_000},
    peopled: new Set(),
    meant: () => NONE_MEANT,
    notJudged: new Set(),
  });
  let reads = 0;
  let count = 0;
  const look = async (): Promise<readonly string[]> => {
    await clock.advance(2000);
    count += 1;
    const all = names.flatMap(name => {
      const counts = server(name, count);
      return counts === undefined ? [] : [{name, ...NOTHING, ...counts}];
    });
    const sum = (field: Exclude<keyof Counts, 'isDown'>, more = 0) =>
      `${all.reduce((total, one) => total + one[field], more)}`;
    const backend: Row = {
      ...{
        pxname: 'app',
        type: '1',
        iid: '3',
        status: 'UP',
        act: `${all.filter(({isDown}) => !isDown).length}`,
        rtime: `${all[0]?.responseTime}`,
      },
      ...{stot: sum('given', own(count)), scur: sum('current'), hrsp_2xx: sum('answered', own(count)), hrsp_5xx: '0'},
      cli_abrt: sum('aborted'),
    };
    const rows = all.map(
      (one): Row => ({
        ...{pxname: 'app', svname: one.name, type: '2', stot: `${one.given}`, scur: `${one.current}`},
        ...{hrsp_2xx: `${one.answered}`, rtime: `${one.responseTime}`, status: one.isDown ? 'DOWN' : 'UP'},
      }),
    );
    const servers = watch.suspects([backend]).length > 0 ? rows : [];
    reads += servers.length > 0 ? 1 : 0;
    watch.note({info: new Map(Object.entries({Pid: `${pid(count)}`, Version: '2.6.12'})), rows: [backend], servers});
    return (watch.troubles ?? []).flatMap(trouble =>
      trouble.is === 'hanging' ? [trouble.servers.join()] : trouble.is === 'unanswered' ? ['all'] : [],
    );
  };
  /** What is told of the looks, each once. */
  const lookFor = async (looks: number): Promise<readonly string[]> => {
    const told = new Set<string>();
    for (let at = 0; at < looks; at += 1) for (const one of await look()) told.add(one);
    return [...told];
  };
  return {look, lookFor, reads: () => reads};
}

/** Serves so many requests before each look. */
const busy = (look: number, each = 2): Partial<Counts> => ({
  ...{given: each * look, answered: each * look, responseTime: 5},
});

/** Takes as many and answers none from a look on. */
const hung = (look: number, from: number): Partial<Counts> =>
  look < from ? busy(look) : {...busy(from), given: 2 * look, current: 2 * (look - from)};

describe('servers that take requests and answer none, while others answer', () => {
  test('one of three hangs -> told by its name within 40 s, its rows read every 10 s; it answers again -> over', async () => {
    const {look, lookFor, reads} = open((name, at) => (name === 'b' && at < 60 ? hung(at, 10) : busy(at)));
    assert.deepEqual(await lookFor(28), []);
    assert.deepEqual(await look(), ['b']);
    assert.deepEqual(await lookFor(2), ['b']);
    assert.deepEqual(reads(), 4);
    await lookFor(33);
    assert.deepEqual(await lookFor(40), []);
  });

  test('clients give up, and HAProxy gives up for them (3.3) -> told', async () => {
    const impatient = (at: number) => (at < 10 ? busy(at) : {...hung(at, 10), current: 0, aborted: 2 * (at - 10)});
    assert.deepEqual(await open((name, at) => (name === 'b' ? impatient(at) : busy(at))).lookFor(40), ['b']);
  });

  test('it answers 60 s late, once it is told -> told as long as that is so', async () => {
    // Each answer moves the average by a part in 512.
    const late = (at: number): Partial<Counts> => {
      const answered = 20 + 2 * (at - 39);
      return at < 40 ? hung(at, 10) : {given: 2 * at, answered, current: 58, responseTime: 5 + 58 * (answered - 20)};
    };
    const {look, lookFor} = open((name, at) => (name === 'b' ? late(at) : busy(at)));
    await lookFor(40);
    for (let at = 0; at < 40; at += 1) assert.deepEqual(await look(), ['b'], `look ${at}`);
  });

  test('it is told, and its check takes it out of use, or all pods leave -> over by the next time its rows are read', async () => {
    const down = open((name, at) => (name === 'b' ? {...hung(at, 10), isDown: at > 40} : busy(at)));
    assert.deepEqual(await down.lookFor(40), ['b']);
    await down.lookFor(5);
    assert.deepEqual(await down.lookFor(40), []);
    const left = open((name, at) => (at > 40 ? undefined : name === 'b' ? hung(at, 10) : busy(at)));
    assert.deepEqual(await left.lookFor(40), ['b']);
    assert.deepEqual(await left.lookFor(40), []);
  });

  test('reloads while it is told -> told on; the next HAProxy hears answers of it -> over', async () => {
    const {look, lookFor} = open(
      (name, at) => (name === 'b' && at < 70 ? hung(at, 10) : busy(at)),
      ['a', 'b'],
      () => 0,
      at => (at < 35 ? 7 : at < 50 ? 8 : 9),
    );
    assert.deepEqual(await lookFor(34), ['b']);
    for (let at = 35; at < 70; at += 1) assert.deepEqual(await look(), ['b'], `look ${at}`);
    await lookFor(8);
    assert.deepEqual(await lookFor(40), []);
  });

  test('long polls of 25 s that HAProxys answer while they finish, a reload every 24 s -> not told', async () => {
    const polls = (at: number): Partial<Counts> => ({given: 2 * at, current: 24, responseTime: 0});
    const quick = (name: string, at: number) => (name === 'b' ? busy(at) : polls(at));
    const pid = (at: number) => Math.floor(at / 12);
    assert.deepEqual(
      await open(
        (_, at) => polls(at),
        ['a'],
        at => 2 * at,
        pid,
      ).lookFor(120),
      [],
    );
    assert.deepEqual(await open(quick, ['a', 'b'], () => 0, pid).lookFor(120), []);
  });

  test('all hang -> told of the backend alone', async () => {
    assert.deepEqual(await open((_, at) => hung(at, 10)).lookFor(40), ['all']);
    assert.deepEqual(await open((_, at) => hung(at, 10), ['a']).lookFor(40), ['all']);
  });

  test('all hang, or the only one, and HAProxy answers others itself (redirect, cache, probes) -> told by their names', async () => {
    for (const names of [['a'], ['a', 'b']]) {
      const {look, lookFor} = open(
        (_, at) => (at < 60 ? hung(at, 10) : busy(at)),
        names,
        at => 2 * at,
      );
      assert.deepEqual(await lookFor(28), []);
      assert.deepEqual(await lookFor(2), [names.join()]);
      for (let at = 30; at < 60; at += 1) assert.deepEqual(await look(), [names.join()], `look ${at}`);
      await lookFor(8);
      assert.deepEqual(await lookFor(40), []);
    }
  });

  test('HAProxy answers some itself, the only server is slow by nature, or idle -> not told', async () => {
    const slow = (at: number): Partial<Counts> => {
      const answered = Math.max(0, 2 * (at - 10));
      return {given: 2 * at, answered, current: 20, responseTime: 20_000};
    };
    for (const server of [slow, busy, () => ({given: 4, current: 4})]) {
      assert.deepEqual(
        await open(
          (_, at) => server(at),
          ['a'],
          at => 2 * at,
        ).lookFor(60),
        [],
      );
    }
  });

  test('keep-alive, much traffic -> not told, its servers looked at now and then', async () => {
    const {lookFor, reads} = open((_, at) => ({...busy(at, 500), current: 3}));
    assert.deepEqual(await lookFor(60), []);
    assert.ok(reads() <= 12);
  });

  test('hundreds of busy backends with one server -> those with several are looked at first', () => {
    const names = Array.from({length: 200}, (_, at) => `single-${at}`);
    const rowsAt = (count: number): Row[] => [
      ...names.map(name => ({pxname: name, type: '1', act: '1', scur: '1', hrsp_2xx: `${count}`, hrsp_5xx: '0'})),
      {pxname: 'several', type: '1', act: '2', scur: '1', hrsp_2xx: `${count}`, hrsp_5xx: '0'},
    ];
    const watch = createTroubleWatch({
      clock: createFakeClock(1_000_000),
      bound: {percent: 10, windowMs: 60_000},
      peopled: new Set(),
      meant: () => NONE_MEANT,
      notJudged: new Set(),
    });
    for (let count = 0; count < 5; count += 1) watch.note({info: new Map(), rows: rowsAt(count), servers: []});
    const suspects = watch.suspects(rowsAt(5)).map(({pxname}) => pxname);
    assert.deepEqual([suspects[0], suspects[1], suspects.length], ['several', 'single-0', 20]);
  });

  test('more than 300 servers -> nobody looks at them', async () => {
    for (const [count, isLookedAt] of [
      [300, true],
      [301, false],
    ] as const) {
      const names = Array.from({length: count}, (_, at) => `s${at}`);
      const {lookFor, reads} = open((_, at) => ({...busy(at), current: 1}), names);
      assert.deepEqual([await lookFor(10), reads() > 0], [[], isLookedAt]);
    }
  });

  test('little traffic, or none -> not told, nobody looks at its servers', async () => {
    const {lookFor, reads} = open((_, at) => busy(Math.floor(at / 10), 1));
    assert.deepEqual([await lookFor(60), reads()], [[], 0]);
  });

  test('WebSockets and server-sent events, which answer and go on -> not told', async () => {
    assert.deepEqual(await open((_, at) => ({...busy(at), current: 2 * at})).lookFor(60), []);
  });

  test('long polls or uploads of 20 s on one server -> not told; they end no more -> told after a minute', async () => {
    const slow = (at: number): Partial<Counts> => {
      const ended = 2 * Math.floor(at / 20) * 10;
      return {given: 2 * at, answered: at < 80 ? ended : 160, current: 20, responseTime: 20_000};
    };
    const {lookFor} = open((name, at) => (name === 'b' ? slow(at) : busy(at)));
    assert.deepEqual(await lookFor(100), []);
    assert.deepEqual(await lookFor(40), ['b']);
  });

  test('the first long polls of all, of a minute, come back from one server after the other -> none is told of', async () => {
    const polls = (name: string, at: number): Partial<Counts> => {
      const answered = Math.max(0, at - 30 - 'abc'.indexOf(name) * 8);
      return {given: at, answered, current: at - answered, responseTime: answered > 0 ? 60_000 : 0};
    };
    assert.deepEqual(await open(polls).lookFor(90), ['all']);
  });

  test('a rolling deploy: servers come, go and drain -> not told', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const {lookFor} = open((name, at) => {
      const from = 15 * names.indexOf(name);
      if (at < from || at > from + 40) return undefined;
      // One that leaves gets nothing any more, and finishes what it has.
      return at > from + 25 ? {...busy(25), current: 3} : {...busy(at - from), current: 2};
    }, names);
    assert.deepEqual(await lookFor(120), []);
  });

  test('four requests in all -> not told', async () => {
    const idle = (at: number): Partial<Counts> => ({given: Math.min(4, Math.floor(at / 6)), current: 1});
    assert.deepEqual(await open((name, at) => (name === 'b' ? idle(at) : busy(at))).lookFor(60), []);
  });
});

/** What servers did before a look: by their names, how many requests they were given, and how many of those they answered. */
type Done = Readonly<Record<string, readonly [given: number, answered: number]>>;

/** A backend that is looked at, with its servers' rows, after what they did meanwhile. */
function openDirect() {
  let history: HangingHistory = new Map();
  const counted = new Map<string, {given: number; answered: number}>();
  const rowOf = (requests: number, current = 0): Row => ({
    ...{pxname: 'app', type: '1', iid: '3', act: '2', stot: `${requests}`, scur: `${current}`, hrsp_5xx: '0'},
  });
  let before = {atMs: 1_000_000, rows: [rowOf(0)]};
  const look = (
    done: Done | undefined,
    {afterMs = 10_000, current = 0, averageMs = 5, usualMs = 0, others = [] as readonly Row[]} = {},
  ) => {
    for (const [name, [given, answered]] of Object.entries(done ?? {})) {
      const known = counted.get(name) ?? {given: 0, answered: 0};
      counted.set(name, {given: known.given + given, answered: known.answered + answered});
    }
    const requests = [...counted.values()].reduce((sum, {given}) => sum + given, 0);
    const rows = [...others, rowOf(requests, current)];
    const servers = [...counted].map(
      ([svname, {given, answered}]): Row => ({
        ...{pxname: 'app', svname, type: '2', stot: `${given}`, hrsp_2xx: `${answered}`},
        ...{scur: `${current}`, rtime: `${averageMs}`},
      }),
    );
    const next = {
      atMs: before.atMs + afterMs,
      rows,
      servers: done === undefined ? [] : servers,
      process: '7',
      averagesFromZero: false,
    };
    const [noted, found] = noteHanging(history, before, next, new Map([['app', usualMs]]));
    [history, before] = [noted, next];
    return found.map(({servers: names, requests: owed, beganMs}) => `${names} ${owed} ${next.atMs - beganMs}`);
  };
  const isAsked = (afterMs = 2000) =>
    findRestless(history, {atMs: before.atMs + afterMs, rows: before.rows}).some(({pxname}) => pxname === 'app');
  return {look, isAsked};
}

describe('a server that is given requests and answers none', () => {
  const [SOME, LAST, IDLE]: readonly Done[] = [
    {a: [1, 1], b: [2, 0]},
    {a: [1, 1], b: [1, 0]},
    {a: [0, 0], b: [0, 0]},
  ];

  for (const [name, looks, told] of [
    ['five in three looks, and another one answers', [SOME, SOME, LAST], ['b 5 30000']],
    ['four', [SOME, LAST, LAST], []],
    ['in two looks alone', [SOME, IDLE, {a: [1, 1], b: [8, 0]}], []],
    ['in the last two looks', [IDLE, SOME, {a: [1, 1], b: [8, 0]}, IDLE], []],
    ['nobody asked before', [IDLE, IDLE, SOME, SOME, LAST], ['b 5 30000']],
    ['nobody answers', [{b: [2, 0]}, {b: [2, 0]}, {b: [1, 0]}], []],
    ['nobody answers, and a new one comes', [{b: [2, 0]}, {b: [2, 0], c: [0, 0]}, {b: [1, 0]}], []],
  ] as const) {
    test(`${name} -> ${told.length > 0 ? 'told after 30 s' : 'not told'}`, () => {
      const {look} = openDirect();
      look(IDLE);
      assert.deepEqual(looks.map(done => look(done)).at(-1), told);
    });
  }

  test('looks 30 s apart -> told; farther apart, nobody knows what came between -> not told', () => {
    for (const [afterMs, told] of [
      [30_000, ['b 5 90000']],
      [30_001, []],
    ] as const) {
      const {look} = openDirect();
      look(IDLE);
      assert.deepEqual([SOME, SOME, LAST].map(done => look(done, {afterMs})).at(-1), told);
    }
  });

  test('its rows are read more often -> each of them counts every 10 s', () => {
    const {look} = openDirect();
    look(IDLE);
    for (let count = 0; count < 5; count += 1) look({a: [1, 1], b: [1, 0]}, {afterMs: 2000});
    assert.deepEqual([look(IDLE), look(IDLE)], [[], []]);
  });

  test('answers take 12 s otherwise -> told after three times that, also where that is known only later', () => {
    for (const usual of [
      [12_000, 12_000, 12_000, 12_000],
      [0, 0, 12_000, 12_000],
    ]) {
      const {look} = openDirect();
      look(IDLE);
      const told = usual.map(usualMs => look(SOME, {usualMs}));
      assert.deepEqual(told, [[], [], [], ['b 8 40000']]);
    }
  });

  /** Looks at servers of which one is told of since then. */
  const openTold = () => {
    const opened = openDirect();
    for (const done of [IDLE, SOME, SOME]) opened.look(done);
    assert.deepEqual(opened.look(LAST), ['b 5 30000']);
    return opened;
  };

  for (const [name, current, averageMs, told] of [
    ['half as late as was told, while one waits', 1, 15_000, ['b 1029 40000']],
    ['later, which makes that no usual time', 1, 20_000, ['b 1029 40000']],
    ['less late', 1, 14_999, []],
    ['as late, and nothing waits', 0, 15_000, []],
  ] as const) {
    test(`then it answers ${name} -> ${told.length > 0 ? 'still told' : 'over'}`, () => {
      assert.deepEqual(openTold().look({a: [1, 1], b: [1024, 512]}, {current, averageMs}), told);
    });
  }

  test('nobody asks any more -> forgotten after a minute', () => {
    for (const [lastMs, told] of [
      [20_000, 1],
      [20_001, 0],
    ] as const) {
      const {look} = openTold();
      assert.deepEqual(
        [20_000, 20_000, lastMs].map(afterMs => look(IDLE, {afterMs}).length),
        [1, 1, told],
      );
    }
  });

  test('the frontend of a `listen` section has its name -> told once', () => {
    const {look} = openDirect();
    const others: readonly Row[] = [{pxname: 'app', type: '0', stot: '9', scur: '9', hrsp_5xx: '0'}];
    const told = [IDLE, SOME, SOME, LAST].map(done => look(done, {others}));
    assert.deepEqual(told.at(-1), ['b 5 30000']);
  });
});

describe('whose servers are looked at', () => {
  for (const [waiting, isAsked] of [
    [[1, 1], false],
    [[1, 1, 0], false],
    [[1, 0, 1, 0, 1], true],
    [[1, 1, 1, 0, 0], true],
    [[1, 1, 1, 0, 0, 0], false],
  ] as const) {
    test(`requests that wait at looks: ${waiting.join(' ')} -> ${isAsked ? 'asked for' : 'left alone'}`, () => {
      const opened = openDirect();
      for (const current of waiting) opened.look(undefined, {afterMs: 2000, current});
      assert.equal(opened.isAsked(), isAsked);
    });
  }

  test('one owes answers, and nothing waits -> asked for every 10 s; it has answered -> left alone', () => {
    const {look, isAsked} = openDirect();
    look({a: [0, 0], b: [0, 0]});
    look({a: [1, 1], b: [1, 0]});
    assert.deepEqual([isAsked(9999), isAsked(10_000)], [false, true]);
    look({a: [1, 1], b: [1, 2]});
    assert.equal(isAsked(10_000), false);
  });
});
