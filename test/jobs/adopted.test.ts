import assert from 'node:assert/strict';
import {test} from 'node:test';
import {adoptProcess} from '../../src/jobs/adopted.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const IDENTITY = {pid: 42, startTicks: 4711};

test('adopted process, gone after a while -> seen within half a second, its exit unknown', async () => {
  const clock = createFakeClock();
  let alive = true;
  const child = adoptProcess(IDENTITY, {
    clock,
    processes: {isAlive: async () => alive, signal: async () => true},
  });
  let exit: unknown;
  void child.exited.then(ended => {
    exit = ended;
  });
  await clock.advance(5000);
  assert.equal(exit, undefined);
  alive = false;
  await clock.advance(500);
  assert.deepEqual(exit, {code: undefined, signal: undefined});
});

test('fault 10: a signal to an adopted process -> goes by its identity, never by the PID alone', async () => {
  const clock = createFakeClock();
  const sent: unknown[] = [];
  const child = adoptProcess(IDENTITY, {
    clock,
    processes: {
      isAlive: async () => true,
      signal: async (...signal) => {
        sent.push(signal);
        return false;
      },
    },
  });
  child.kill('SIGUSR1');
  assert.deepEqual(sent, [[IDENTITY, 'SIGUSR1']]);
});

test('adopted process that cannot be looked for or signalled (no descriptor is left) -> not taken for gone, nothing is thrown', async () => {
  const clock = createFakeClock();
  let alive: boolean | undefined;
  const child = adoptProcess(IDENTITY, {
    clock,
    processes: {
      isAlive: async () => alive ?? Promise.reject(new Error('EMFILE')),
      signal: () => Promise.reject(new Error('EMFILE')),
    },
  });
  let isGone = false;
  void child.exited.then(() => {
    isGone = true;
  });
  assert.equal(child.kill('SIGUSR1'), true);
  await clock.advance(5000);
  assert.equal(isGone, false);
  alive = false;
  await clock.advance(500);
  assert.equal(isGone, true);
});
