import assert from 'node:assert/strict';
import {beforeEach, describe, test} from 'node:test';
import {type Bodies, createBodies} from '../../src/http/bodies.ts';
import {createFakeClock, type FakeClock} from '../support/fake-clock.ts';

describe('bodies of answers', () => {
  let clock: FakeClock;
  let bodies: Bodies;
  let cut: string[];
  let built: number;
  const reader = (name: string) => ({destroy: () => void cut.push(name)});
  const build = () => `body ${++built}`;
  const give = async (name: string, key = 'a') => {
    const body = await bodies.of(key, build);
    assert.ok(body !== undefined);
    return {text: String(body), done: bodies.hold(body, reader(name))};
  };

  beforeEach(() => {
    clock = createFakeClock();
    bodies = createBodies({clock, maxBytes: 15});
    cut = [];
    built = 0;
  });

  test('many ask while it is made -> made once, the same bytes for all', async () => {
    const [one, other] = await Promise.all([bodies.of('a', build), bodies.of('a', build)]);
    assert.equal(one, other);
    assert.equal(built, 1);
  });

  test('somebody has not read it -> who comes within a second gets the same, later ones a new one', async () => {
    await give('slow');
    await clock.advance(999);
    assert.equal((await give('next')).text, 'body 1');
    await clock.advance(1);
    assert.equal((await give('late')).text, 'body 2');
    assert.equal((await give('other', 'b')).text, 'body 3');
  });

  test('all have read it -> the next one gets a new one at once', async () => {
    (await give('fast')).done();
    await new Promise(setImmediate);
    assert.equal((await give('next')).text, 'body 2');
    (await bodies.of('never read', build))?.toString();
    await new Promise(setImmediate);
    assert.equal(String(await bodies.of('never read', build)), 'body 4');
  });

  test('no body, or building fails -> so for that one; the next is built anew', async () => {
    assert.equal(await bodies.of('a', () => undefined), undefined);
    await assert.rejects(
      bodies.of('a', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal((await give('next')).text, 'body 1');
  });

  test('more than may be held -> the readers of the oldest are cut, all of them; a body counts once', async () => {
    await give('one');
    await give('two');
    await give('b', 'b');
    assert.deepEqual(cut, []);
    await give('c', 'c');
    assert.deepEqual(cut, ['one', 'two']);
  });

  test('one larger than all that may be held -> sent, the others are cut', async () => {
    await give('small');
    bodies.hold(Buffer.alloc(16), reader('large'));
    assert.deepEqual(cut, ['small']);
  });

  test('what was read -> holds nothing', async () => {
    for (const key of ['a', 'b', 'c', 'd']) {
      (await give(key, key)).done();
      await new Promise(setImmediate);
    }
    assert.deepEqual(cut, []);
  });

  test('33 readers of a large one -> the first of them is cut; small ones have no such bound', () => {
    bodies = createBodies({clock, maxBytes: 1 << 20});
    const [large, small] = [Buffer.alloc(256 << 10), Buffer.alloc((256 << 10) - 1)];
    for (let number = 0; number < 40; number += 1) bodies.hold(small, reader(`small ${number}`));
    const [first] = Array.from({length: 32}, (_, number) => bodies.hold(large, reader(`large ${number}`)));
    assert.deepEqual(cut, []);
    bodies.hold(large, reader('one more'));
    assert.deepEqual(cut, ['large 0']);
    first?.();
    bodies.hold(large, reader('another'));
    assert.deepEqual(cut, ['large 0', 'large 1']);
  });

  test('bodies of several keys -> each in a turn of its own', async () => {
    const order: string[] = [];
    const making = Promise.all(['a', 'b'].map(key => bodies.of(key, () => void order.push(key))));
    while (!order.includes('b')) {
      await new Promise(setImmediate);
      order.push('probe');
    }
    await making;
    assert.match(order.join(' '), /a probe.* b/);
  });
});
