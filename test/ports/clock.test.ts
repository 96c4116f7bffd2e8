import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {type Clock, systemClock as clock, pause, sleep, unlessAborted, within} from '../../src/ports/clock.ts';
import {createFakeClock} from '../support/fake-clock.ts';

test('system clock, any delay -> never called before it has passed', async () => {
  const delays = Array.from({length: 400}, (_, n) => 0.7 + (n % 40) * 0.37);
  const early = delays.map(
    delayMs =>
      new Promise<number>(resolve => {
        const startedMs = clock.nowMs();
        clock.after(delayMs, () => resolve(startedMs + delayMs - clock.nowMs()));
      }),
  );
  assert.ok(Math.max(...(await Promise.all(early))) <= 0);
});

test('system clock, cancelled -> never called', async () => {
  const cancel = clock.after(1, () => assert.fail('called'));
  cancel();
  await sleep(clock, 5);
  cancel();
});

test('sleep, aborted before and meanwhile -> the reason of the signal', async () => {
  await assert.rejects(sleep(clock, 60_000, AbortSignal.abort(new Error('before'))), /before/);
  await assert.rejects(sleep(clock, 60_000, AbortSignal.timeout(1)), {name: 'TimeoutError'});
});

test('pause, aborted before and meanwhile, or over -> resolves', async () => {
  const clock = createFakeClock();
  await pause(clock, 60_000, AbortSignal.abort());
  const stop = new AbortController();
  const stopped = pause(clock, 60_000, stop.signal);
  stop.abort();
  await stopped;
  let isOver = false;
  const over = pause(clock, 1000, new AbortController().signal).then(() => {
    isOver = true;
  });
  await clock.advance(999);
  assert.equal(isOver, false);
  await clock.advance(1);
  await over;
});

describe('within', () => {
  /** A clock whose timers that still wait are counted. */
  const openCounted = () => {
    const clock = createFakeClock();
    const waiting = new Set<object>();
    const after: Clock['after'] = (delayMs, call) => {
      const timer = {};
      waiting.add(timer);
      const cancel = clock.after(delayMs, () => {
        waiting.delete(timer);
        call();
      });
      return () => {
        waiting.delete(timer);
        cancel();
      };
    };
    return {clock: {...clock, after}, waiting};
  };

  test('settled in time -> its result or its fault, and no timer is left', async () => {
    const {clock, waiting} = openCounted();
    assert.equal(await within(clock, 60_000, Promise.resolve('done')), 'done');
    await assert.rejects(within(clock, 60_000, Promise.reject(new Error('theirs'))), /theirs/);
    assert.equal(waiting.size, 0);
  });

  test('late -> undefined when the limit is reached, no earlier', async () => {
    const {clock} = openCounted();
    const seen: unknown[] = [];
    const never = new Promise<string>(() => {});
    void within(clock, 1000, never).then(result => seen.push(result));
    await clock.advance(999);
    assert.deepEqual(seen, []);
    await clock.advance(1);
    assert.deepEqual(seen, [undefined]);
  });

  test('its signal aborts -> undefined at once, and no timer is left', async () => {
    const {clock, waiting} = openCounted();
    const stop = new AbortController();
    const waited = within(clock, 60_000, new Promise(() => {}), stop.signal);
    stop.abort();
    assert.equal(await waited, undefined);
    assert.equal(waiting.size, 0);
  });
});

describe('unless aborted', () => {
  test('not -> as what is awaited; aborted before or meanwhile -> its reason, whatever comes of the other', async () => {
    const reason = new Error('stopped');
    assert.equal(await unlessAborted(Promise.resolve(1), new AbortController().signal), 1);
    await assert.rejects(unlessAborted(Promise.reject(new Error('theirs')), new AbortController().signal), /theirs/);
    await assert.rejects(unlessAborted(new Promise(() => {}), AbortSignal.abort(reason)), reason);
    const stop = new AbortController();
    const {promise, reject} = Promise.withResolvers();
    const waited = unlessAborted(promise, stop.signal);
    stop.abort(reason);
    reject(new Error('too late'));
    await assert.rejects(waited, reason);
  });
});
