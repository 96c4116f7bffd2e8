import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Row} from '../../src/proxy/answers.ts';
import {NONE_MEANT} from '../../src/proxy/meant-errors.ts';
import {createTroubleWatch} from '../../src/proxy/trouble-watch.ts';
import type {Trouble} from '../../src/proxy/troubles.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const frontend = (changes: Row = {}): Row => ({
  pxname: 'web',
  type: '0',
  status: 'OPEN',
  scur: '1',
  slim: '2000',
  req_tot: '0',
  hrsp_5xx: '0',
  ...changes,
});
const backend = (changes: Row = {}): Row => ({
  pxname: 'app',
  type: '1',
  status: 'UP',
  act: '1',
  bck: '0',
  qcur: '0',
  ...changes,
});

/** A watch, and one look at what HAProxy says some time later. */
function open(percent = 10, peopled: readonly string[] = [], notJudged: readonly string[] = []) {
  const clock = createFakeClock(1_000_000);
  const watch = createTroubleWatch({
    clock,
    bound: {percent, windowMs: 60_000},
    peopled: new Set(peopled),
    meant: () => NONE_MEANT,
    notJudged: new Set(notJudged),
  });
  return {
    watch,
    async look(afterMs: number, rows: readonly Row[], info: Record<string, string> = {}): Promise<readonly Trouble[]> {
      await clock.advance(afterMs);
      watch.note({
        info: new Map(Object.entries({Pid: '7', CurrConns: '1', Maxconn: '2000', ...info})),
        rows,
        servers: [],
      });
      return (watch.troubles ?? []).map(({beganAt: _, ...trouble}) => trouble);
    },
    /** How long ago each of them began; null where that is not known. */
    ages: () => watch.troubles?.map(({beganAt}) => beganAt && clock.epochMs() - beganAt),
  };
}

describe('troubles', () => {
  test('all is well -> none', async () => {
    const {look} = open();
    assert.deepEqual(await look(0, [frontend(), backend()]), []);
    assert.deepEqual(await look(60_000, [frontend(), backend()]), []);
  });

  test('no server of a backend is up -> at once, by its name; one without servers is UP to HAProxy', async () => {
    const {look} = open();
    assert.deepEqual(await look(0, [backend({status: 'DOWN'}), backend({pxname: 'none'})]), [
      {is: 'down', name: 'app'},
    ]);
    assert.deepEqual(await look(2000, [backend()]), []);
  });

  test('a backend that nobody judges is down, fails or hangs, its frontend is stopped -> none; the others as ever', async () => {
    const {look, watch} = open(10, ['app', 'other'], ['app', 'web']);
    const down = [frontend({status: 'STOP'}), backend({status: 'DOWN', act: '0'})];
    await look(0, down);
    assert.deepEqual(await look(60_000, [...down, backend({pxname: 'other', status: 'DOWN', act: '0'})]), [
      {is: 'down', name: 'other'},
    ]);
    assert.ok(watch.isByHandPerhaps);
    assert.deepEqual(await look(2000, [backend({act: '0'})]), []);
    const asked = (requests: number) => backend({stot: `${requests}`, hrsp_5xx: `${requests}`, iid: '3'});
    await look(2000, [asked(0)]);
    assert.deepEqual(watch.suspects([asked(1)]), []);
    for (let count = 1; count < 40; count += 1) assert.deepEqual(await look(2000, [asked(count)]), []);
  });

  test('requests wait for a server -> when they do for 10 s', async () => {
    const {look} = open();
    assert.deepEqual(await look(0, [backend({qcur: '3'})]), []);
    assert.deepEqual(await look(9000, [backend({qcur: '4'})]), []);
    assert.deepEqual(await look(1000, [backend({qcur: '1'})]), [{is: 'queue', name: 'app', waiting: 1}]);
    assert.deepEqual(await look(2000, [backend()]), []);
    assert.deepEqual(await look(2000, [backend({qcur: '1'})]), []);
  });

  test('a limit of connections is reached -> when it stays so', async () => {
    const {look} = open();
    const full = frontend({status: 'FULL', scur: '10', slim: '10'});
    assert.deepEqual(await look(0, [full], {CurrConns: '50', Maxconn: '50'}), []);
    assert.deepEqual(await look(4000, [full], {CurrConns: '50', Maxconn: '50'}), [
      {is: 'full-process', limit: 50},
      {is: 'full', name: 'web', limit: 10},
    ]);
  });

  test('a limit of new connections a second is reached, or nearly -> when it stays so; below it, or without one -> none', async () => {
    const {look} = open();
    const fast = frontend({rate: '95', rate_lim: '100'});
    const info = {ConnRate: '1', ConnRateLimit: '1', SessRate: '9', SessRateLimit: '10'};
    assert.deepEqual(await look(0, [fast], info), []);
    assert.deepEqual(await look(4000, [fast], info), [
      {is: 'rate-process', of: 'connections', limit: 1},
      {is: 'rate', name: 'web', limit: 100},
    ]);
    const slow = {
      ConnRate: '0',
      ConnRateLimit: '1',
      SessRate: '9',
      SessRateLimit: '10',
      SslRate: '5',
      SslRateLimit: '0',
    };
    for (const rate_lim of ['0', '101', '']) {
      await look(10_000, [frontend({rate: '95', rate_lim})], slow);
      assert.deepEqual(await look(4000, [frontend({rate: '95', rate_lim})], slow), []);
    }
  });

  test('a limit is reached in bursts -> one trouble from the first until 10 s after the last; another process -> over', async () => {
    const {look, ages} = open();
    const [fast, slow] = [frontend({rate: '100', rate_lim: '100'}), frontend({rate: '3', rate_lim: '100'})];
    await look(0, [slow]);
    for (const row of [fast, slow]) assert.deepEqual(await look(2000, [row]), []);
    assert.equal((await look(2000, [fast])).length, 1);
    for (let looks = 0; looks < 4; looks += 1) assert.equal((await look(2000, [slow])).length, 1);
    assert.equal((await look(1000, [fast])).length, 1);
    assert.deepEqual(ages(), [13_000]);
    assert.equal((await look(9999, [slow])).length, 1);
    assert.deepEqual(await look(1, [slow]), []);
    // Touched now and then, it harms nobody.
    for (let bursts = 0; bursts < 3; bursts += 1) {
      assert.deepEqual(await look(3000, [fast]), []);
      assert.deepEqual(await look(3000, [slow]), []);
    }
    await look(2000, [fast]);
    assert.equal((await look(4000, [fast])).length, 1);
    assert.deepEqual(await look(2000, [slow], {Pid: '8'}), []);
  });

  test('bursts less than 5 s apart -> one trouble; 5 s apart -> two, of a moment each', async () => {
    for (const [apartMs, troubles] of [
      [4999, 1],
      [5000, 0],
    ] as const) {
      const {look} = open();
      await look(0, [frontend({rate: '100', rate_lim: '100'})]);
      await look(2000, [frontend({rate: '3', rate_lim: '100'})]);
      const told = await look(apartMs - 2000, [frontend({rate: '100', rate_lim: '100'})]);
      assert.equal(told.length, troubles, `${apartMs} ms`);
    }
  });

  test('a limit was reached, which somebody may have set -> suspected until another HAProxy runs', async () => {
    const {look, watch} = open();
    const fast = frontend({rate: '100', rate_lim: '100'});
    await look(0, [fast]);
    assert.equal(watch.isByHandPerhaps, false);
    await look(4000, [fast]);
    assert.equal(watch.isByHandPerhaps, true);
    assert.deepEqual(await look(10_000, [frontend({rate: '9', rate_lim: '100'})]), []);
    assert.equal(watch.isByHandPerhaps, true);
    await look(2000, [frontend()], {Pid: '8'});
    assert.equal(watch.isByHandPerhaps, false);
  });

  test('the smallest limit -> reached by one connection, not by none', async () => {
    const {look} = open();
    const most = frontend({scur: '1', slim: '1'});
    await look(0, [most], {CurrConns: '1', Maxconn: '1'});
    assert.deepEqual(await look(4000, [most], {CurrConns: '1', Maxconn: '1'}), [
      {is: 'full-process', limit: 1},
      {is: 'full', name: 'web', limit: 1},
    ]);
    const none = frontend({scur: '0', slim: '1'});
    await look(10_000, [none], {CurrConns: '0', Maxconn: '1'});
    assert.deepEqual(await look(4000, [none], {CurrConns: '0', Maxconn: '1'}), []);
  });

  test('no limit is said -> none is reached', async () => {
    const {look} = open();
    for (const scur of ['0', '1']) {
      await look(2000, [frontend({scur, slim: ''})], {CurrConns: scur, Maxconn: '0'});
      assert.deepEqual(await look(4000, [frontend({scur, slim: ''})], {CurrConns: scur, Maxconn: '0'}), []);
    }
  });

  test('one server of several is down -> no trouble of its backend', async () => {
    const {look} = open();
    assert.deepEqual(await look(0, [backend(), backend({type: '2', status: 'DOWN'})]), []);
  });

  test('more 5xx than the bound over the whole time -> with their share; below it, and off -> none', async () => {
    for (const [percent, errors, expected] of [
      [10, 4, [{is: 'errors', of: 'frontend', name: 'web', percent: 20, requests: 600}]],
      [20, 4, []],
      [0, 20, []],
    ] as const) {
      const {look} = open(percent);
      let troubles: readonly Trouble[] = [];
      for (let second = 0; second <= 60; second += 2) {
        const row = frontend({req_tot: String(second * 10), hrsp_5xx: String((second * errors) / 2)});
        troubles = await look(second === 0 ? 0 : 2000, [row]);
        if (second < 60) assert.deepEqual(troubles, [], `after ${second} s`);
      }
      assert.deepEqual(troubles, expected);
    }
  });

  test('a reload -> what was counted before it is not counted again, and hides nothing', async () => {
    const {look} = open();
    await look(0, [frontend({req_tot: '1000', hrsp_5xx: '900'})]);
    assert.deepEqual(await look(60_000, [frontend({req_tot: '1020', hrsp_5xx: '900'})]), []);
    assert.deepEqual(await look(2000, [frontend({req_tot: '1040', hrsp_5xx: '910'})], {Pid: '8'}), [
      {is: 'errors', of: 'frontend', name: 'web', percent: 25, requests: 40},
    ]);
  });

  test('requests that fail after a while, none beside them -> their errors count all the same', async () => {
    const {look} = open();
    await look(0, [frontend()]);
    await look(60_000, [frontend({req_tot: '30'})]);
    assert.deepEqual(await look(20_000, [frontend({req_tot: '30', hrsp_5xx: '18'})]), [
      {is: 'errors', of: 'frontend', name: 'web', percent: 60, requests: 30},
    ]);
  });

  test('hardly any requests -> no share of them; of ten, one at a time, there is one, of all at the most', async () => {
    const {look} = open();
    await look(0, [frontend()]);
    await look(51_000, [frontend()]);
    for (let n = 1; n <= 9; n += 1) {
      assert.deepEqual(await look(1000, [frontend({req_tot: String(n), hrsp_5xx: String(n)})]), []);
    }
    // Some of them were asked for before the time that is looked at.
    assert.deepEqual(await look(1000, [frontend({req_tot: '10', hrsp_5xx: '12'})]), [
      {is: 'errors', of: 'frontend', name: 'web', percent: 100, requests: 12},
    ]);
  });

  test('errors longer ago than the time that is looked at -> over', async () => {
    const {look} = open();
    await look(0, [frontend()]);
    const failed = frontend({req_tot: '100', hrsp_5xx: '100'});
    assert.equal((await look(60_000, [failed])).length, 1);
    assert.equal((await look(59_000, [failed])).length, 1);
    assert.deepEqual(await look(1000, [failed]), []);
  });

  test('clients give up on a backend -> said where it answers others; where it answers nobody, that is said, with its errors', async () => {
    const clock = createFakeClock(1_000_000);
    const watch = createTroubleWatch({
      clock,
      bound: {percent: 10, windowMs: 60_000},
      peopled: new Set(),
      notJudged: new Set(),
      meant: () => NONE_MEANT,
    });
    const rowOf = (pxname: string, counts: Readonly<Record<string, number>>): Row => ({
      ...backend({pxname, hrsp_5xx: '0'}),
      ...Object.fromEntries(Object.entries(counts).map(([field, count]) => [field, `${count}`])),
    });
    const serverOf = (pxname: string, stot: number): Row => ({
      ...{pxname, svname: 'one', type: '2', stot: `${stot}`, scur: `${stot}`, hrsp_2xx: '0'},
    });
    for (let at = 0; at <= 40; at += 1) {
      await clock.advance(2000);
      watch.note({
        info: new Map([['Pid', '7']]),
        rows: [
          rowOf('hung', {stot: 2 * at, cli_abrt: 2 * at, hrsp_4xx: 2 * at}),
          rowOf('slow', {stot: 20 * at, cli_abrt: 19 * at, hrsp_4xx: 19 * at, hrsp_2xx: at}),
          rowOf('late', {stot: 2 * at, hrsp_5xx: 2 * at}),
        ],
        servers: [serverOf('hung', 2 * at), serverOf('late', 2 * at)],
      });
    }
    const told = (watch.troubles ?? []).map(one => [
      one.is,
      ...('of' in one ? [one.of] : []),
      ...('name' in one ? [one.name] : []),
    ]);
    assert.deepEqual(told, [
      ['unanswered', 'hung'],
      ['unanswered', 'late'],
      ['errors', 'given-up', 'slow'],
      ['errors', 'backend', 'late'],
    ]);
  });

  test('handshakes fail that went well -> told at the look that sees it', async () => {
    const {look} = open();
    const tls = (good: number, failed: number) => frontend({ssl_sess: `${good}`, ssl_failed_handshake: `${failed}`});
    await look(0, [tls(0, 0)]);
    await look(2000, [tls(10, 0)]);
    assert.deepEqual(await look(60_000, [tls(10, 10)]), [
      {is: 'handshakes', name: 'web', percent: 100, handshakes: 10},
    ]);
  });

  test('hardly any errors -> nobody reads the text for those that are meant', async () => {
    const clock = createFakeClock(1_000_000);
    let reads = 0;
    const meant = () => {
      reads += 1;
      return NONE_MEANT;
    };
    const watch = createTroubleWatch({
      clock,
      bound: {percent: 10, windowMs: 60_000},
      peopled: new Set(),
      meant,
      notJudged: new Set(),
    });
    const look = async (requests: number, errors: number) => {
      await clock.advance(60_000);
      const row = frontend({req_tot: String(requests), hrsp_5xx: String(errors)});
      watch.note({info: new Map(), rows: [row], servers: []});
    };
    await look(0, 0);
    await look(100, 1);
    assert.equal(reads, 0);
    await look(200, 51);
    assert.equal(reads, 1);
  });

  test('HAProxy does not answer -> what was known stays', async () => {
    const {look, watch} = open();
    await look(0, [backend({status: 'DOWN'})]);
    watch.note(undefined);
    assert.equal(watch.troubles?.length, 1);
  });

  test('since when -> from the look that found it, if one before did not; else nobody knows', async () => {
    const {look, ages} = open();
    const waits = backend({qcur: '3'});
    await look(0, [waits]);
    await look(10_000, [waits]);
    assert.deepEqual(ages(), [null]);
    await look(2000, [backend()]);
    await look(2000, [waits]);
    await look(10_000, [waits]);
    assert.deepEqual(ages(), [10_000]);
    await look(3000, [waits]);
    assert.deepEqual(ages(), [13_000]);
    const full = frontend({scur: '10', slim: '10'});
    await look(2000, [full]);
    await look(4000, [full]);
    assert.deepEqual(ages(), [4000]);
    await look(10_000, [frontend()]);
    // Nobody looked for a while.
    for (const [afterMs, age] of [
      [6000, 4000],
      [6001, null],
    ] as const) {
      await look(10_000, [frontend()]);
      await look(afterMs, [full]);
      await look(4000, [full]);
      assert.deepEqual(ages(), [age]);
    }
  });

  test('no server of a backend is up -> since HAProxy says so; over a reload and a silence, since before', async () => {
    const {look, ages, watch} = open();
    await look(0, [backend({status: 'DOWN', lastchg: '40'})]);
    assert.deepEqual(ages(), [40_000]);
    watch.note(undefined);
    await look(5000, [backend({status: 'DOWN', lastchg: '1'})], {Pid: '8'});
    assert.deepEqual(ages(), [45_000]);
    await look(2000, [backend()]);
    await look(2000, [backend({status: 'DOWN', lastchg: '0'})]);
    assert.deepEqual(ages(), [0]);
  });

  test('too many 5xx -> since the first of them came, not those that come now and then before', async () => {
    const {look, ages} = open();
    let [requests, errors] = [0, 0];
    const second = async (failing: number) => {
      requests += 10;
      errors += failing;
      await look(1000, [frontend({req_tot: String(requests), hrsp_5xx: String(errors)})]);
    };
    for (let n = 0; n < 120; n += 1) await second(n % 10 === 0 ? 1 : 0);
    assert.deepEqual(ages(), []);
    for (let n = 0; n < 10; n += 1) await second(10);
    assert.deepEqual(ages(), [10_000]);
  });

  test('a backend of which is known from before that it had servers -> emptied at the first look', async () => {
    const {look, watch} = open(10, ['app', 'gone']);
    assert.equal(watch.troubles, undefined);
    assert.deepEqual(await look(0, [backend({act: '0'}), backend({pxname: 'never', act: '0'})]), [
      {is: 'emptied', name: 'app'},
    ]);
  });

  test('a frontend that was told to stop -> when it stays so; a backend that had servers and has none', async () => {
    const {look} = open();
    await look(0, [frontend(), backend({act: '1', bck: '0'}), backend({pxname: 'never', act: '0', bck: '0'})]);
    const now = [
      frontend({status: 'PAUSED'}),
      backend({act: '0', bck: '0'}),
      backend({pxname: 'never', act: '0', bck: '0'}),
    ];
    assert.deepEqual(await look(2000, now), [{is: 'emptied', name: 'app'}]);
    now[0] = frontend({status: 'STOP'});
    assert.deepEqual(await look(4000, now), [
      {is: 'stopped', name: 'web'},
      {is: 'emptied', name: 'app'},
    ]);
    // A backend that is gone meanwhile is another one when it is back.
    assert.deepEqual(await look(2000, [frontend()]), []);
    assert.deepEqual(await look(2000, [frontend(), backend({act: '0', bck: '1'})]), []);
    assert.deepEqual(await look(2000, [frontend(), backend({act: '0', bck: '0'})]), [{is: 'emptied', name: 'app'}]);
  });
});
