import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {CutShort} from '../../src/errors.ts';
import {createApplyQueue} from '../../src/reload/apply-queue.ts';
import type {Applied, Candidate} from '../../src/reload/candidate.ts';

const candidateOf = (generation: number): Candidate => ({text: '', generation, files: [], configuration: ''});

/** A proxy whose applies end when told. */
function openStage(isHung = false) {
  const told: string[] = [];
  const ends: (() => void)[] = [];
  const queue = createApplyQueue({
    apply(candidate, {signal} = {}) {
      const {generation} = candidate as Candidate;
      told.push(`apply ${generation}`);
      const {promise, resolve, reject} = Promise.withResolvers<Applied>();
      signal?.addEventListener('abort', () => isHung && reject(signal.reason));
      ends.push(() => resolve({generation, way: 'plain', why: ''}));
      return promise;
    },
    async drain() {
      told.push('drain');
      return true;
    },
  });
  const settle = () => new Promise(resolve => setImmediate(resolve));
  return {queue, told, ends, settle};
}

describe('apply queue', () => {
  test('two candidates at once -> the second waits for the end of the first', async () => {
    const {queue, told, ends, settle} = openStage();
    const [first, second] = [queue.apply(candidateOf(1)), queue.apply(candidateOf(2))];
    await settle();
    assert.deepEqual(told, ['apply 1']);
    ends.shift()?.();
    await first;
    await settle();
    assert.deepEqual(told, ['apply 1', 'apply 2']);
    ends.shift()?.();
    assert.equal((await second).generation, 2);
  });

  test('drained by a script -> the next candidate is applied', async () => {
    const {queue, told, ends, settle} = openStage();
    await queue.drain(1000, AbortSignal.any([]));
    const applied = queue.apply(candidateOf(1));
    await settle();
    ends.shift()?.();
    await applied;
    assert.deepEqual(told, ['drain', 'apply 1']);
  });

  test('ended -> drained after what runs; who waits for its place and who comes later are refused', async () => {
    const {queue, told, ends, settle} = openStage();
    const first = queue.apply(candidateOf(1));
    const waiting = queue.apply(candidateOf(2));
    const refused = assert.rejects(waiting, {code: 'APPLY', message: /the daemon stops/});
    await settle();
    const ended = queue.end(1000, AbortSignal.any([]));
    ends.shift()?.();
    assert.equal(await ended, true);
    await Promise.all([first, refused]);
    await assert.rejects(queue.apply(candidateOf(3)), {code: 'APPLY'});
    assert.deepEqual(told, ['apply 1', 'drain']);
  });

  test('ended while one hangs in its start -> that one is told, and the drain does not wait for it', async () => {
    const {queue, told, settle} = openStage(true);
    const hanging = assert.rejects(queue.apply(candidateOf(1)), CutShort);
    await settle();
    assert.equal(await queue.end(1000, AbortSignal.any([])), true);
    await hanging;
    assert.deepEqual(told, ['apply 1', 'drain']);
  });

  test('the signal of whoever applies aborts -> theirs is the reason', async () => {
    const {queue, settle} = openStage(true);
    const stop = new AbortController();
    const reason = new Error('the state is cancelled');
    const hanging = assert.rejects(queue.apply(candidateOf(1), {signal: stop.signal}), reason);
    await settle();
    stop.abort(reason);
    await hanging;
  });
});
