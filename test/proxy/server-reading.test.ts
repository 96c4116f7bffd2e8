import assert from 'node:assert/strict';
import {test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import type {Row} from '../../src/proxy/answers.ts';
import {createServerReading} from '../../src/proxy/server-reading.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const rowsOf = (count: number): Row[] =>
  Array.from({length: count}, (_, index) => ({
    type: '2',
    pxname: 'web',
    svname: `web-${index}`,
    addr: `10.0.${Math.floor(index / 250)}.${index % 250}:80`,
  }));

function openBench(count = 1) {
  const clock = createFakeClock();
  let looks = 0;
  let fault: Error | undefined;
  const reading = createServerReading({
    hideSecrets: said => said,
    clock,
    log: openLogSink().log,
    async readRows() {
      looks += 1;
      if (fault !== undefined) throw fault;
      return rowsOf(count);
    },
  });
  const breakWith = (error: Error | undefined) => {
    fault = error;
  };
  return {clock, reading, looks: () => looks, breakWith};
}

test('nobody asks -> HAProxy is not asked', async () => {
  const {clock, reading, looks} = openBench();
  await clock.advance(60_000);
  assert.deepEqual([looks(), reading.latest], [0, undefined]);
});

test('many ask at once, and again within 2 s -> one look', async () => {
  const {clock, reading, looks} = openBench();
  const [first, second] = await Promise.all([reading.read(), reading.read()]);
  assert.equal(first, second);
  assert.equal(first?.get('10.0.0.0')?.[0]?.server, 'web-0');
  await clock.advance(1999);
  await reading.read();
  assert.equal(looks(), 1);
  await clock.advance(1);
  await reading.read();
  assert.equal(looks(), 2);
});

test('more than 1,000 servers -> a look in 10 s', async () => {
  const {clock, reading, looks} = openBench(1001);
  await reading.read();
  await clock.advance(9999);
  await reading.read();
  assert.equal(looks(), 1);
  await clock.advance(1);
  await reading.read();
  assert.equal(looks(), 2);
});

test('nobody looked for 30 s -> what was read then is not shown as the latest', async () => {
  const {clock, reading} = openBench();
  await reading.read();
  await clock.advance(29_999);
  assert.equal(reading.latest?.size, 1);
  await clock.advance(1);
  assert.equal(reading.latest, undefined);
});

test('HAProxy does not answer -> unknown, until it does', async () => {
  const bench = openBench();
  await bench.reading.read();
  bench.breakWith(new DaemonError('PROXY', 'cannot ask'));
  await bench.clock.advance(2000);
  assert.equal(await bench.reading.read(), undefined);
  assert.equal(bench.reading.latest, undefined);
  bench.breakWith(undefined);
  await bench.clock.advance(2000);
  assert.equal((await bench.reading.read())?.size, 1);
});

test('a bug in the reading -> not taken for a silent HAProxy', async () => {
  const bench = openBench();
  bench.breakWith(new TypeError('oops'));
  await assert.rejects(bench.reading.read(), TypeError);
});
