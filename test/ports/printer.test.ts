import assert from 'node:assert/strict';
import {Writable} from 'node:stream';
import {describe, test} from 'node:test';
import {yieldToLoop} from '../../src/ports/event-loop.ts';
import {createPrinter} from '../../src/ports/printer.ts';

/** A reader that takes what it is given only when told to; `fail` is what the system says instead. */
function openReader() {
  const taken: string[] = [];
  const waiting: ((fault?: Error) => void)[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      waiting.push(fault => {
        if (fault === undefined) taken.push(text);
        done(fault);
      });
    },
  });
  return {
    stream,
    taken,
    async take(fault?: Error) {
      waiting.shift()?.(fault);
      await yieldToLoop();
    },
  };
}

const systemFault = (code: string): Error => Object.assign(new Error(code), {code});

describe('printer', () => {
  test('a slow reader -> settled once all is taken', async () => {
    const {stream, taken, take} = openReader();
    const {print, settled, gone} = createPrinter(() => stream);
    print('a');
    print('b');
    let isSettled = false;
    const all = settled().then(() => {
      isSettled = true;
    });
    await take();
    await take();
    assert.deepEqual([taken, isSettled], [['a', 'b'], false]);
    await take();
    await all;
    assert.equal(gone.aborted, false);
  });

  test('a reader that goes away -> told by the signal, the rest is dropped, no failure', async () => {
    const {stream, taken, take} = openReader();
    const {print, settled, gone} = createPrinter(() => stream);
    print('a');
    await take(systemFault('EPIPE'));
    assert.ok(gone.aborted);
    print('b');
    await settled();
    assert.deepEqual(taken, []);
  });

  test('a full disk, while it is waited for -> rejects with what the system said', async () => {
    const {stream, take} = openReader();
    const {print, settled} = createPrinter(() => stream);
    print('a');
    const refused = assert.rejects(settled(), /cannot print: ENOSPC/);
    await take(systemFault('ENOSPC'));
    await refused;
    await assert.rejects(settled(), /ENOSPC/);
  });

  test('nothing printed -> the stream is not opened', async () => {
    await createPrinter(() => assert.fail('opened')).settled();
  });
});
