import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {openConverger} from '../../src/lifecycle/converge.ts';
import {createFakeClock} from '../support/fake-clock.ts';

/** A converger whose passes end when told, beside what it asked for. */
function openBench() {
  const clock = createFakeClock();
  const passes: {cause: string; end: (fault?: Error) => Promise<void>}[] = [];
  let stale = true;
  let looks = 0;
  const converger = openConverger({
    clock,
    damper: () => ({quietMs: 1000, maxMs: 4000}),
    isStale: async () => {
      looks += 1;
      return stale;
    },
    runPass(cause) {
      const {promise, resolve, reject} = Promise.withResolvers<void>();
      passes.push({
        cause,
        async end(fault) {
          if (fault === undefined) resolve();
          else reject(fault);
          await clock.advance(0);
        },
      });
      return promise;
    },
  });
  return {
    clock,
    converger,
    passes,
    looks: () => looks,
    setStale: (value: boolean) => {
      stale = value;
    },
  };
}

describe('converger', () => {
  test('changes -> one pass once they are quiet, with their causes', async () => {
    const {clock, converger, passes} = openBench();
    converger.changed('web joined');
    await clock.advance(900);
    converger.changed('api joined');
    await clock.advance(900);
    assert.equal(passes.length, 0);
    await clock.advance(100);
    assert.deepEqual(
      passes.map(({cause}) => cause),
      ['web joined, api joined'],
    );
  });

  test('a change that cannot be seen any more -> looked at, no pass', async () => {
    const {clock, converger, passes, looks, setStale} = openBench();
    setStale(false);
    converger.changed('web joined and left');
    await clock.advance(1000);
    assert.deepEqual([passes.length, looks()], [0, 1]);
    await clock.advance(60_000);
    assert.equal(looks(), 1);
  });

  test('a demand -> a pass at once though nothing is stale; settled with the end of that pass', async () => {
    const {clock, converger, passes, looks, setStale} = openBench();
    setStale(false);
    let settled = '';
    converger.demand('SIGHUP').then(
      () => {
        settled = 'resolved';
      },
      () => {},
    );
    await clock.advance(0);
    assert.deepEqual([passes.length, looks(), settled], [1, 0, '']);
    await passes[0]?.end();
    assert.equal(settled, 'resolved');
  });

  test('a demand while a pass runs -> its own pass afterwards', async () => {
    const {clock, converger, passes} = openBench();
    const first = converger.demand('start');
    await clock.advance(0);
    const second = converger.demand('SIGHUP');
    await clock.advance(5000);
    assert.equal(passes.length, 1);
    await passes[0]?.end();
    await first;
    assert.equal(passes.length, 2);
    await passes[1]?.end();
    await second;
  });

  test('fault 6: a failed pass -> its demander is told, it is retried until it succeeds', async () => {
    const {clock, converger, passes, setStale} = openBench();
    const failed = assert.rejects(converger.demand('start'), /no/);
    await clock.advance(0);
    await passes[0]?.end(new Error('no'));
    await failed;
    setStale(false);
    await clock.advance(1000);
    assert.equal(passes.length, 2);
    await passes[1]?.end(new Error('no'));
    await clock.advance(1999);
    assert.equal(passes.length, 2);
    await clock.advance(1);
    assert.equal(passes[2]?.cause, 'retry 2 of a failed pass');
    await passes[2]?.end();
    await clock.advance(120_000);
    assert.equal(passes.length, 3);
  });

  test('fault 6: a change that came while a pass ran -> another pass', async () => {
    const {clock, converger, passes} = openBench();
    converger.changed('web joined');
    await clock.advance(1000);
    converger.changed('api joined');
    await passes[0]?.end();
    await clock.advance(1000);
    assert.equal(passes[1]?.cause, 'api joined');
  });

  test('closed -> no pass begins any more', async () => {
    const {clock, converger, passes} = openBench();
    converger.changed('web joined');
    converger.close();
    converger.changed('api joined');
    void converger.demand('SIGHUP');
    await clock.advance(60_000);
    assert.equal(passes.length, 0);
  });
});
