import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {yieldToLoop} from '../../src/ports/event-loop.ts';
import {createQueue} from '../../src/ports/queue.ts';

describe('queue', () => {
  test('several works -> one at a time, in the order of the calls, each with its own result', async () => {
    const queue = createQueue();
    const seen: string[] = [];
    const add = (name: string) =>
      queue.add(async () => {
        seen.push(`${name} begins`);
        await yieldToLoop();
        seen.push(`${name} ends`);
        return name;
      });
    assert.deepEqual(await Promise.all([add('a'), add('b')]), ['a', 'b']);
    assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('a work that rejects, or throws at once -> its caller alone is told, the next runs', async () => {
    const queue = createQueue();
    const rejects = queue.add(async () => Promise.reject(new Error('no')));
    const throws = queue.add(() => {
      throw new RangeError('never');
    });
    const next = queue.add(async () => 'next');
    await assert.rejects(rejects, /no/);
    await assert.rejects(throws, RangeError);
    assert.equal(await next, 'next');
  });

  test('settled -> when all that was added before has ended, whatever comes later', async () => {
    const queue = createQueue();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    let isSettled = false;
    await queue.settled();
    const failing = queue.add(() => gates[0].promise);
    const settled = queue.settled().then(() => {
      isSettled = true;
    });
    const later = queue.add(() => gates[1].promise);
    await yieldToLoop();
    assert.equal(isSettled, false);
    gates[0].reject(new Error('no'));
    await assert.rejects(failing, /no/);
    await settled;
    gates[1].resolve();
    await later;
  });
});
