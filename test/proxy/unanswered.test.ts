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
  givenToServer: boolean;
}

/** A backend that is looked at every 2 s, after what came meanwhile. */
function open(version = '2.6.12', percent = 10) {
  const clock = createFakeClock(1_000_000);
  const watch = createTroubleWatch({
    clock,
    bound: {percent, windowMs: 60_000},
    peopled: new Set(),
    meant: () => NONE_MEANT,
  });
  const now: Counts = {requests: 0, answered: 0, ended: 0, timedOut: 0, responseTime: 0, givenToServer: true};
  const look = async (changes: Partial<Counts> = {}): Promise<readonly string[]> => {
    Object.assign(now, changes);
    await clock.advance(2000);
    const {requests, answered, ended, timedOut, responseTime} = now;
    const counted = {stot: String(requests), hrsp_2xx: String(ended), hrsp_5xx: String(timedOut)};
    const backend: Row = {
      pxname: 'app',
      type: '1',
      iid: '3',
      status: 'UP',
      act: '1',
      rtime: String(responseTime),
      ...counted,
    };
    const [given, scur] = now.givenToServer ? [String(requests), String(requests - ended)] : ['0', '0'];
    const server: Row = {pxname: 'app', svname: 'one', type: '2', stot: given, scur, hrsp_2xx: String(answered)};
    const servers = watch.suspects([backend]).length > 0 ? [server] : [];
    watch.note({info: new Map(Object.entries({Pid: '7', Version: version})), rows: [backend], servers});
    return (watch.troubles ?? []).flatMap(trouble => (trouble.is === 'unanswered' ? [`${trouble.requests}`] : []));
  };
  /** Looks while so many requests come before each, until told; undefined when it is not for so many looks. */
  const secondsUntilTold = async (each: number, looks = 60): Promise<number | undefined> => {
    for (let count = 1; count <= looks; count += 1) {
      if ((await look({requests: now.requests + each})).length > 0) return 2 * count;
    }
    return undefined;
  };
  const serve = async (looks: number, averageOf: (answers: number) => number = () => 5) => {
    for (let count = 0; count < looks; count += 1) {
      const ended = now.ended + 3;
      await look({requests: now.requests + 3, answered: ended, ended, responseTime: averageOf(ended)});
    }
  };
  return {
    now,
    look,
    serve,
    secondsUntilTold,
    ages: () => watch.troubles?.map(({beganAt}) => beganAt && clock.epochMs() - beganAt),
  };
}

test('many backends of which nobody knows whether they answer -> servers of the first 20 of them are looked at', () => {
  const watch = createTroubleWatch({
    clock: createFakeClock(),
    bound: {percent: 10, windowMs: 60_000},
    peopled: new Set(),
    meant: () => NONE_MEANT,
  });
  const rowsAt = (requests: number): Row[] =>
    Array.from({length: 30}, (_, index) => ({pxname: `app-${index}`, type: '1', stot: `${requests}`, hrsp_5xx: '0'}));
  watch.note({info: new Map([['Pid', '7']]), rows: rowsAt(0), servers: []});
  const names = watch.suspects(rowsAt(1)).map(({pxname}) => pxname);
  assert.deepEqual([names[0], names.length], ['app-0', 20]);
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
    assert.deepEqual(await look({requests: now.requests + 1, answered: now.answered + 1}), []);
  });

  test('nobody asks any more -> forgotten after a minute', async () => {
    const {look, serve, secondsUntilTold} = open();
    await serve(5);
    await secondsUntilTold(1);
    for (let seconds = 2; seconds <= 60; seconds += 2) assert.deepEqual(await look(), ['5'], `${seconds} s`);
    assert.deepEqual(await look(), []);
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

  test('requests that HAProxy itself holds (tarpit), and gives to no server -> not told', async () => {
    const {serve, secondsUntilTold, now} = open();
    await serve(5);
    now.givenToServer = false;
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
