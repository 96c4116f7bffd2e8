import assert from 'node:assert/strict';
import {test} from 'node:test';
import {openLog} from '../../src/ports/log.ts';
import {untilClosed, watchListeners} from '../../src/reload/closing-listeners.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';

const {log} = openLog('error', {write() {}});

/** How long a wait takes for a process in that state, whose listener closes after so long, and who is left. */
async function waitFor(state: string | undefined | ((atMs: number) => string), closesAfterMs: number) {
  const startedMs = 5000;
  const clock = createFakeClock(startedMs);
  const processes = {
    activity: async () => {
      const shown = typeof state === 'function' ? state(clock.nowMs() - startedMs) : state;
      return shown === undefined ? undefined : {state: shown, cpuMs: 0};
    },
    watchListeners: async (pid: number) => async () => pid === 7 && clock.nowMs() - startedMs < closesAfterMs,
  };
  const stillListen = await watchListeners([7, 8], {processes, log});
  const done = untilClosed(stillListen, {clock, processes}).then(left => ({left, tookMs: clock.nowMs() - startedMs}));
  await clock.advance(3000);
  return done;
}

test('listeners close within 1 s -> nobody is left', async () => {
  assert.deepEqual(await waitFor('S', 20), {left: [], tookMs: 20});
});

test('one that sleeps, is stopped or cannot be seen still listens after 1 s -> left, by its PID', async () => {
  for (const state of ['S', 'T', undefined]) {
    assert.deepEqual(await waitFor(state, 1500), {left: [7], tookMs: 1000});
  }
});

test('one that waits for a CPU still listens after 1 s -> it has 2 s', async () => {
  assert.deepEqual(await waitFor('R', 1500), {left: [], tookMs: 1500});
  assert.deepEqual(await waitFor('R', 5000), {left: [7], tookMs: 2000});
});

test('one that works in bursts, as who gets little CPU does -> it has 2 s; one that has finished its work has not', async () => {
  const inBursts = (atMs: number) => (atMs % 100 < 10 ? 'R' : 'S');
  assert.deepEqual(await waitFor(inBursts, 1500), {left: [], tookMs: 1500});
  const finished = (atMs: number) => (atMs < 1000 ? 'R' : 'S');
  assert.deepEqual(await waitFor(finished, 5000), {left: [7], tookMs: 1198});
});

test('sockets cannot be seen -> a fixed wait, nobody is left', async () => {
  const clock = createFakeClock();
  const processes = {
    activity: async () => undefined,
    watchListeners: () => Promise.reject(systemError('EACCES', 'permission denied')),
  };
  const done = untilClosed(await watchListeners([7], {processes, log}), {clock, processes});
  await clock.advance(200);
  assert.deepEqual(await done, []);
});

test('a bug while they are looked at -> no wait hides it', async () => {
  const bug = new TypeError('a bug');
  await assert.rejects(watchListeners([7], {processes: {watchListeners: () => Promise.reject(bug)}, log}), bug);
});
