import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {setImmediate} from 'node:timers/promises';
import {DaemonError} from '../../src/errors.ts';
import {openConverger} from '../../src/lifecycle/converge.ts';
import type {PassInput} from '../../src/lifecycle/passes.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {takeUnhandled} from '../support/unhandled.ts';

const READ: PassInput = {
  digest: 'd',
  input: {
    template: '',
    variables: {
      hosts: new Map(),
      pods: [],
      node: {labels: {}, annotations: {}},
      labels: {},
      annotations: {},
      env: {},
      certs: {},
      services: new Map(),
    },
  },
};

/** A converger whose passes end when told, beside what it asked for. */
function openSleeping() {
  const clock = createFakeClock();
  const passes: {cause: string; read: PassInput | undefined; end: (fault?: Error) => Promise<void>}[] = [];
  let stale = true;
  let lookFault: Error | undefined;
  let looks = 0;
  const prepared: number[] = [];
  const converger = openConverger({
    clock,
    damper: () => ({quietMs: 1000, maxMs: 4000}),
    prepare: () => prepared.push(clock.nowMs()),
    async readChanged() {
      looks += 1;
      if (lookFault !== undefined) throw lookFault;
      return stale ? READ : undefined;
    },
    runPass(cause, read) {
      const {promise, resolve, reject} = Promise.withResolvers<void>();
      passes.push({
        cause,
        read,
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
    failLook: (fault: Error) => {
      lookFault = fault;
    },
    prepared,
    setStale: (value: boolean) => {
      stale = value;
    },
  };
}

/** The same, once its first pass has ended well. */
async function openBench() {
  const bench = openSleeping();
  const started = bench.converger.start('start');
  await bench.clock.advance(0);
  await bench.passes.pop()?.end();
  await started;
  return bench;
}

describe('converger', () => {
  test('a change -> prepared for when it begins to wait for the damper', async () => {
    const {clock, converger, passes, prepared} = await openBench();
    await clock.advance(500);
    converger.changed('web joined');
    await clock.advance(1000);
    await passes.pop()?.end();
    assert.deepEqual(prepared, [0, 500]);
  });

  test('before the start -> whatever comes waits, and is part of the first pass', async () => {
    const {clock, converger, passes} = openSleeping();
    converger.changed('web joined');
    converger.request('SIGHUP');
    await clock.advance(60_000);
    assert.equal(passes.length, 0);
    const started = converger.start('start');
    await clock.advance(0);
    assert.deepEqual(
      passes.map(({cause, read}) => [cause, read]),
      [['web joined, SIGHUP, start', undefined]],
    );
    await passes[0]?.end();
    await started;
    await clock.advance(60_000);
    assert.equal(passes.length, 1);
  });

  test('the first pass fails -> whoever started it hears why, and it is tried again', async () => {
    const {clock, converger, passes} = openSleeping();
    const started = converger.start('start');
    await clock.advance(0);
    await Promise.all([assert.rejects(started, /no good/), passes[0]?.end(new DaemonError('LIFECYCLE', 'no good'))]);
    await clock.advance(1000);
    assert.equal(passes.length, 2);
  });

  test('a bug in a pass, or in the look before it -> nobody takes it: no failure that is told, no other try', async () => {
    using unhandled = takeUnhandled();
    const bug = new TypeError('undefined is not a function');
    const [looking, passing] = [await openBench(), openSleeping()];
    looking.failLook(bug);
    looking.converger.changed('web joined');
    await looking.clock.advance(1000);
    void passing.converger.start('start');
    await passing.clock.advance(0);
    await passing.passes[0]?.end(bug);
    for (const {clock} of [looking, passing]) await clock.advance(60_000);
    await setImmediate();
    assert.deepEqual(unhandled.errors, [bug, bug]);
    assert.deepEqual([looking.passes.length, passing.passes.length], [0, 1]);
    assert.deepEqual([looking.converger.state.pass.is, passing.converger.state.pass.is], ['running', 'running']);
  });

  test('a change that is seen -> its pass gets what was read, once', async () => {
    const {clock, converger, passes, looks} = await openBench();
    converger.changed('web joined');
    await clock.advance(1000);
    assert.deepEqual([passes[0]?.read, looks()], [READ, 1]);
  });

  test('changes -> one pass once they are quiet, with their causes', async () => {
    const {clock, converger, passes} = await openBench();
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
    const {clock, converger, passes, looks, setStale} = await openBench();
    setStale(false);
    converger.changed('web joined and left');
    await clock.advance(1000);
    assert.deepEqual([passes.length, looks()], [0, 1]);
    await clock.advance(60_000);
    assert.equal(looks(), 1);
  });

  test('a demand -> a pass at once though nothing is stale; settled with the end of that pass', async () => {
    const {clock, converger, passes, looks, setStale} = await openBench();
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
    const {clock, converger, passes} = await openBench();
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
    const {clock, converger, passes, setStale} = await openBench();
    const failed = assert.rejects(converger.demand('start'), /no/);
    await clock.advance(0);
    await passes[0]?.end(new DaemonError('LIFECYCLE', 'no'));
    await failed;
    setStale(false);
    await clock.advance(1000);
    assert.equal(passes.length, 2);
    await passes[1]?.end(new DaemonError('LIFECYCLE', 'no'));
    await clock.advance(1999);
    assert.equal(passes.length, 2);
    await clock.advance(1);
    assert.equal(passes[2]?.cause, 'retry 2 of a failed pass');
    await passes[2]?.end();
    await clock.advance(120_000);
    assert.equal(passes.length, 3);
  });

  test('fault 6: a change that came while a pass ran -> another pass', async () => {
    const {clock, converger, passes} = await openBench();
    converger.changed('web joined');
    await clock.advance(1000);
    converger.changed('api joined');
    await passes[0]?.end();
    await clock.advance(1000);
    assert.equal(passes[1]?.cause, 'api joined');
  });

  test('closed -> no pass begins any more', async () => {
    const {clock, converger, passes} = await openBench();
    converger.changed('web joined');
    converger.close();
    converger.changed('api joined');
    void converger.demand('SIGHUP');
    await clock.advance(60_000);
    assert.equal(passes.length, 0);
  });
});
