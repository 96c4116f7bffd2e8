import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Row} from '../../src/proxy/answers.ts';
import {NONE_MEANT} from '../../src/proxy/meant-errors.ts';
import {createTroubleWatch} from '../../src/proxy/trouble-watch.ts';
import {createFakeClock} from '../support/fake-clock.ts';

/** What HAProxy has counted of a backend and its one server. */
interface Counts {
  requests: number;
  /** Whose headers came. */
  answered: number;
  /** That are wholly over. */
  ended: number;
  /** That HAProxy answered for a server that did not. */
  timedOut: number;
  /** In milliseconds. */
  responseTime: number;
  /** The slowest of them; unknown before HAProxy 2.0. */
  slowest?: number;
  /** That the server has had; all, when undefined. */
  given?: number;
  /** That it has now; all that have not ended, when undefined. */
  inServer?: number;
  /** Of the HAProxy that counts. */
  pid: string;
  /** Neither down nor gone. */
  up?: number;
}

/** A backend that is looked at every 2 s, after what came meanwhile. */
function open(version = '2.6.12', percent = 10) {
  const clock = createFakeClock(1_000_000);
  const watch = createTroubleWatch({
    clock,
    bound: {percent, windowMs: 60_000},
    peopled: new Set(),
    meant: () => NONE_MEANT,
    notJudged: new Set(),
  });
  const now: Counts = {requests: 0, answered: 0, ended: 0, timedOut: 0, responseTime: 0, pid: '7'};
  const look = async (changes: Partial<Counts> = {}, afterMs = 2000): Promise<readonly string[]> => {
    Object.assign(now, changes);
    await clock.advance(afterMs);
    const {
      requests,
      answered,
      ended,
      timedOut,
      responseTime,
      slowest,
      given = requests,
      inServer = requests - ended,
      up = 1,
    } = now;
    const counted = {stot: String(requests), hrsp_2xx: String(ended), hrsp_5xx: String(timedOut)};
    const backend: Row = {
      pxname: 'app',
      type: '1',
      iid: '3',
      status: 'UP',
      act: String(up),
      rtime: String(responseTime),
      ...(slowest !== undefined && {rtime_max: String(slowest)}),
      ...counted,
    };
    const server: Row = {
      pxname: 'app',
      svname: 'one',
      type: '2',
      stot: String(given),
      scur: String(inServer),
      hrsp_2xx: String(answered),
    };
    const servers = watch.suspects([backend]).length > 0 ? [server] : [];
    watch.note({info: new Map(Object.entries({Pid: now.pid, Version: version})), rows: [backend], servers});
    return (watch.troubles ?? []).flatMap(trouble => (trouble.is === 'unanswered' ? [`${trouble.requests}`] : []));
  };
  /** Looks while so many requests come before each, until told; undefined when it is not for so many looks. */
  const secondsUntilTold = async (each: number, looks = 60): Promise<number | undefined> => {
    for (let count = 1; count <= looks; count += 1) {
      if ((await look({requests: now.requests + each})).length > 0) return 2 * count;
    }
    return undefined;
  };
  const serve = async (looks: number, averageOf: (answers: number) => number = () => 5, each = 3) => {
    for (let count = 0; count < looks; count += 1) {
      const ended = now.ended + each;
      await look({requests: now.requests + each, answered: ended, ended, responseTime: averageOf(ended)});
    }
  };
  /** A look after so many more requests. */
  const ask = (requests: number, afterMs?: number) => look({requests: now.requests + requests}, afterMs);
  return {
    now,
    look,
    ask,
    serve,
    secondsUntilTold,
    ages: () => watch.troubles?.map(({beganAt}) => beganAt && clock.epochMs() - beganAt),
  };
}

/** The names of those whose servers are looked at, where so many have requests and no answers. */
function suspectsAmong(count: number, percent: number): readonly (string | undefined)[] {
  const watch = createTroubleWatch({
    clock: createFakeClock(),
    bound: {percent, windowMs: 60_000},
    peopled: new Set(),
    meant: () => NONE_MEANT,
    notJudged: new Set(),
  });
  const rowsAt = (requests: number): Row[] => [
    {pxname: 'idle', type: '1', stot: '0', hrsp_5xx: '0'},
    {pxname: 'well', type: '1', stot: `${requests}`, hrsp_2xx: `${requests}`, hrsp_5xx: '0'},
    {pxname: 'tcp', type: '1', stot: `${requests}`},
    {pxname: 'web', type: '0', stot: `${requests}`, hrsp_5xx: '0'},
    ...Array.from({length: count}, (_, at) => ({pxname: `app-${at}`, type: '1', stot: `${requests}`, hrsp_5xx: '0'})),
  ];
  watch.note({info: new Map([['Pid', '7']]), rows: rowsAt(0), servers: []});
  return watch.suspects(rowsAt(1)).map(({pxname}) => pxname);
}

test('many backends of which nobody knows whether they answer -> servers of the first 20 of them are looked at', () => {
  const names = suspectsAmong(30, 10);
  assert.deepEqual([names[0], names.length], ['app-0', 20]);
});

test('errors are not to be looked at (KONTROL_5XX=0) -> no servers are', () => {
  assert.deepEqual([suspectsAmong(1, 10), suspectsAmong(1, 0)], [['app-0'], []]);
});

describe('requests that no server answers', () => {
  test('servers answered, and hang -> told after 10 s, since the last look before; until one answers', async () => {
    const {look, serve, secondsUntilTold, now, ages} = open();
    await serve(5);
    assert.equal(await secondsUntilTold(1), 10);
    assert.deepEqual(ages(), [10_000]);
    assert.deepEqual(await look(), ['5']);
    // The answers of HAProxy itself are none of a server.
    assert.deepEqual(await look({requests: now.requests + 1, timedOut: 1}), ['6']);
    const answered = now.answered + 5;
    assert.deepEqual(await look({requests: now.requests + 1, answered, ended: answered}), []);
  });

  test('then all is answered 30 s late -> told as long as it is late, though every answer is a good one', async () => {
    for (const [version, averageAfter] of [
      ['2.6.12', (late: number) => 5 + 58 * late],
      ['1.7.5', (late: number) => 1 + 58 * late],
    ] as const) {
      const {look, serve, secondsUntilTold, now} = open(version);
      await serve(5);
      assert.equal(await secondsUntilTold(1), 10);
      // Each waits for 15 looks.
      for (let late = 1; late <= 60; late += 1) {
        const answered = now.answered + (late > 10 ? 1 : 0);
        const responseTime = late > 10 ? averageAfter(late - 10) : now.responseTime;
        const told = await look({requests: now.requests + 1, answered, ended: answered, responseTime});
        assert.equal(told.length, 1, `${version}, look ${late}`);
      }
      // Those that waited are answered, and new ones at once.
      const answered = now.requests + 1;
      assert.deepEqual(
        await look({requests: answered, answered, ended: answered, responseTime: now.responseTime + 9}),
        [],
      );
      for (let looks = 0; looks < 30; looks += 1) {
        const next = now.answered + 1;
        assert.deepEqual(await look({requests: next, answered: next, ended: next}), []);
      }
    }
  });

  /** Told, of five requests that wait or five times `each`, some of which are answered then: that makes `averageMs` of all. */
  async function answerLate(answers: number, averageMs: number, {usualMs = 5, each = 1} = {}) {
    const opened = open();
    const {look, serve, now, secondsUntilTold} = opened;
    await serve(5, () => usualMs);
    assert.notEqual(await secondsUntilTold(each), undefined);
    const [answered, ended] = [now.answered + answers, now.ended + answers];
    return {...opened, told: await look({answered, ended, responseTime: averageMs})};
  }

  for (const [name, answers, was, is, isTold] of [
    ['of 5120 ms, where it took none', 1, 0, 10, true],
    ['of 4608 ms, where it took none', 1, 0, 9, false],
    ['of 5 s, as many as an average is made of', 512, 5, 5000, true],
    ['of hardly 5 s, as many as an average is made of', 512, 5, 4999, false],
    ['at once, where it took 3 s', 1, 3000, 2995, false],
  ] as const) {
    test(`then an answer comes ${name} -> ${isTold ? 'still told' : 'over'}`, async () => {
      const {told} = await answerLate(answers, is, {usualMs: was, each: answers});
      assert.equal(told.length > 0, isTold);
    });
  }

  for (const [answers, isTold] of [
    [2, true],
    [3, false],
  ] as const) {
    test(`then ${answers} of five are answered late -> ${isTold ? 'still told' : 'over'}`, async () => {
      assert.equal((await answerLate(answers, 500)).told.length > 0, isTold);
    });
  }

  test('then all but two are answered late, and WebSockets from before go on -> over', async () => {
    const {look, serve, secondsUntilTold, now} = open();
    await serve(5);
    Object.assign(now, {inServer: 20});
    assert.equal(await secondsUntilTold(1), 10);
    assert.deepEqual(await look({answered: now.answered + 3, ended: now.ended + 3, responseTime: 500}), []);
  });

  test('answers come late, then one of which only the headers are there, or another HAProxy counts -> still told', async () => {
    const {look, now, told} = await answerLate(1, 100, {each: 2});
    assert.deepEqual(told, ['10']);
    assert.deepEqual(await look({answered: now.answered + 1}), ['10']);
    const [answered, ended] = [now.answered + 1, now.ended + 1];
    assert.deepEqual(await look({answered, ended, pid: '8', responseTime: 1}), ['10']);
  });

  test('nobody had seen it answer: answers come after 20 s -> still told; then after 10 s -> over', async () => {
    const {look, now, secondsUntilTold} = open();
    await look();
    assert.equal(await secondsUntilTold(1), 30);
    const answer = (responseTime: number) => look({answered: now.answered + 1, ended: now.ended + 1, responseTime});
    assert.deepEqual(await answer(40), ['15']);
    assert.deepEqual(await answer(60), []);
  });

  test('what hung is never answered, and what comes later is, at once -> over', async () => {
    const {look, serve, secondsUntilTold, now} = open();
    await serve(5);
    await secondsUntilTold(3);
    const answered = now.answered + 3;
    assert.deepEqual(await look({requests: now.requests + 3, answered, ended: answered, responseTime: 6}), []);
    // Streams answer with headers, and do not end.
    await secondsUntilTold(3);
    assert.deepEqual(await look({requests: now.requests + 3, answered: now.answered + 3}), []);
  });

  test('nobody asks any more -> forgotten after a minute', async () => {
    const {look, serve, secondsUntilTold} = open();
    await serve(5);
    await secondsUntilTold(1);
    for (let seconds = 2; seconds <= 60; seconds += 2) assert.deepEqual(await look(), ['5'], `${seconds} s`);
    assert.deepEqual(await look({}, 1), []);
  });

  test('its servers are down, or all pods leave -> not told any more; up again, and they hang -> told anew', async () => {
    const {look, serve, secondsUntilTold, now} = open();
    await serve(5);
    await secondsUntilTold(1);
    for (let looks = 0; looks < 3; looks += 1) {
      assert.deepEqual(await look({requests: now.requests + 1, timedOut: now.timedOut + 1, up: 0}), []);
    }
    now.up = 1;
    assert.equal(await secondsUntilTold(1), 10);
  });

  test('one is answered to the end, as fast as ever -> not told any more', async () => {
    const {look, serve, secondsUntilTold, now} = open();
    await serve(5);
    await secondsUntilTold(1);
    const [answered, ended] = [now.answered + 1, now.ended + 1];
    assert.deepEqual(await look({requests: now.requests + 1, answered, ended}), []);
  });

  test('they came before three looks in a row, and five -> told; before two, or four -> not', async () => {
    for (const [asked, told] of [
      [[2, 2, 1, 0, 0], ['5']],
      [[2, 1, 1, 0, 0], []],
      [[3, 3, 0, 0, 0], []],
    ] as const) {
      const {ask, serve} = open();
      await serve(5);
      let last: readonly string[] = [];
      for (const requests of asked) last = await ask(requests);
      assert.deepEqual(last, told, asked.join());
    }
  });

  test('a look is up to 6 s after the one before -> since that one; later -> since then', async () => {
    for (const [apartMs, told] of [
      [6000, ['6']],
      [6001, []],
    ] as const) {
      const {ask, serve} = open();
      await serve(5);
      await ask(2, apartMs);
      await ask(2);
      assert.deepEqual(await ask(2), told);
    }
  });

  test('one look alone finds a request in a server -> told', async () => {
    const {look, ask, serve, now} = open();
    await serve(5);
    Object.assign(now, {given: now.requests, inServer: 0});
    await ask(2);
    await look({requests: now.requests + 2, inServer: 1});
    await look({requests: now.requests + 2, inServer: 0});
    assert.deepEqual(await look(), []);
    assert.deepEqual(await look(), ['6']);
  });

  test('no share of errors is to be told of (0 %) -> nor is this; the smallest one (1 %) -> told', async () => {
    for (const [percent, toldAfter] of [
      [0, undefined],
      [1, 10],
    ] as const) {
      const {serve, secondsUntilTold} = open('2.6.12', percent);
      await serve(5);
      assert.equal(await secondsUntilTold(1), toldAfter);
    }
  });

  test('nobody has seen it answer -> told after 30 s', async () => {
    const {look, secondsUntilTold} = open();
    await look();
    assert.equal(await secondsUntilTold(1), 30);
  });

  test('nobody has seen it answer, ten requests -> told; nine -> not', async () => {
    for (const [first, told] of [
      [3, ['10']],
      [2, []],
    ] as const) {
      const {look, ask} = open();
      await look();
      await ask(first);
      for (let more = 0; more < 7; more += 1) await ask(1, 3500);
      assert.deepEqual(await look({}, 3499), []);
      assert.deepEqual(await look({}, 1), told);
    }
  });

  test('nobody has seen it answer, and all who asked within 16 s wait for an event -> not told', async () => {
    const {look, secondsUntilTold} = open();
    await look();
    assert.equal(await secondsUntilTold(4, 8), undefined);
    assert.equal(await secondsUntilTold(0, 100), undefined);
    const few = open();
    await few.look();
    assert.equal(await few.secondsUntilTold(10, 7), undefined);
    for (let seconds = 0; seconds < 20; seconds += 2) assert.deepEqual(await few.look(), []);
    assert.deepEqual(await few.ask(1), ['71']);
  });

  test('its counters tell that it answered before anybody looked, its own or those of its servers -> told after 10 s', async () => {
    for (const counted of [
      {ended: 1, answered: 0},
      {ended: 0, answered: 1},
    ]) {
      const {look, secondsUntilTold} = open();
      await look({requests: 1, ...counted});
      assert.equal(await secondsUntilTold(1), 10);
    }
  });

  test('few requests, or such as come at once -> not told', async () => {
    const {look, serve, now, secondsUntilTold} = open();
    await serve(5);
    await look({requests: now.requests + 100});
    assert.equal(await secondsUntilTold(0, 25), undefined);
  });

  test('downloads, websockets: the headers come at once, the end does not -> not told', async () => {
    const {look, now} = open();
    await look();
    for (let count = 0; count < 60; count += 1) {
      assert.deepEqual(await look({requests: now.requests + 3, answered: now.answered + 3}), []);
    }
  });

  for (const version of ['2.6.12', '1.7.5']) {
    test(`${version}, long polls of 20 s -> told when no answer has come for a minute`, async () => {
      const {serve, secondsUntilTold} = open(version);
      // 1.7 divides by 512 what it has added up of fewer.
      await serve(10, answers => (version === '1.7.5' ? 20_000 * (answers / 512) : 20_000));
      assert.equal(await secondsUntilTold(2), 60);
    });
  }

  test('long polls, one answer at a time, the first of all, or many -> told when no answer has come for a minute', async () => {
    const slow = open();
    await slow.serve(5, () => 20_000, 1);
    assert.equal(await slow.secondsUntilTold(2), 60);
    for (const [answers, average] of [
      [1, 20_000 / 512],
      [1000, 20_000],
    ] as const) {
      const old = open('1.7.5');
      await old.look();
      await old.serve(1, () => average, answers);
      assert.equal(await old.secondsUntilTold(2), 60);
    }
  });

  test('long polls of 20 s, and the daemon has just been started -> told when no answer has come for a minute', async () => {
    for (const [version, average] of [
      ['2.6.12', 20_000],
      ['1.7.5', (20_000 * 100) / 512],
    ] as const) {
      const {look, secondsUntilTold} = open(version);
      await look({requests: 100, answered: 100, ended: 100, responseTime: average});
      assert.equal(await secondsUntilTold(2), 60, version);
    }
  });

  test('long polls of 20 s, and for two minutes all answers are those of HAProxys that finish -> still waited for', async () => {
    const {look, serve, secondsUntilTold, now} = open();
    await serve(10, () => 20_000);
    for (let looks = 0; looks < 60; looks += 1) {
      const next = now.ended + 1;
      await look({pid: '8', responseTime: 0, requests: next, answered: next, ended: next});
    }
    assert.equal(await secondsUntilTold(2), 54);
  });

  test('quick calls and a few polls of 40 s, the calls pause -> told when the slowest is overdue; of many requests at once', async () => {
    const open26 = async () => {
      const one = open();
      await one.serve(10, () => 100);
      one.now.slowest = 40_000;
      return one;
    };
    assert.equal(await (await open26()).secondsUntilTold(0.5), 44);
    assert.equal(await (await open26()).secondsUntilTold(4), 10);
    // 1.7 tells no slowest one: a poll that ends alone moves the average by a part in 512.
    const old = open('1.7.5');
    await old.look();
    await old.serve(5, answers => answers / 100);
    const ended = old.now.ended + 1;
    await old.look({requests: ended, answered: ended, ended, responseTime: Math.floor(40_000 / 512)});
    assert.equal(await old.secondsUntilTold(0.5), 44);
  });

  test('a poll of 40 s long ago -> waited for until many quick answers have come since, not while nobody asks', async () => {
    for (const [quick, seconds] of [
      [100, 10],
      [0, 40],
    ] as const) {
      const {look, serve, secondsUntilTold} = open();
      await look({slowest: 40_000});
      await serve(5);
      // The next HAProxy has heard of no slow one.
      await look({pid: '8', slowest: 5});
      await serve(quick, () => 5, 1);
      for (let idle = quick; idle < 100; idle += 1) await look();
      assert.equal(await secondsUntilTold(1), seconds, `${quick} quick answers`);
    }
  });

  test('HAProxy 1.7, another process has another average -> no answer was slow for that', async () => {
    const {now, look, serve, secondsUntilTold} = open('1.7.5');
    await serve(5, () => 0);
    const ended = now.ended + 3;
    await look({pid: '8', requests: now.requests + 3, answered: ended, ended, responseTime: 100});
    assert.equal(await secondsUntilTold(1), 10);
  });

  test('HAProxy 1.7, answers that came too late once -> they make nobody wait longer the next time', async () => {
    const {now, look, serve, secondsUntilTold} = open('1.7.5');
    await serve(5);
    assert.equal(await secondsUntilTold(3), 10);
    const ended = now.ended + 3;
    assert.notDeepEqual(await look({answered: ended, ended, responseTime: 122}), []);
    await serve(5, () => 122);
    assert.equal(await secondsUntilTold(1), 10);
  });

  test('requests that HAProxy itself holds (tarpit), and gives to no server -> not told', async () => {
    const {serve, secondsUntilTold, now} = open();
    await serve(5);
    Object.assign(now, {given: 0, inServer: 0});
    assert.equal(await secondsUntilTold(3), undefined);
  });

  test('a server answers in time to time, and many others hang -> not told', async () => {
    const {look, now, serve} = open();
    await serve(5);
    for (let count = 0; count < 60; count += 1) {
      const changes = {requests: now.requests + 5, answered: now.answered + (count % 4 === 0 ? 1 : 0)};
      assert.deepEqual(await look(changes), []);
    }
  });
});
