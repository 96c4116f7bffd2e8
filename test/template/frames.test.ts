import assert from 'node:assert/strict';
import {test} from 'node:test';
import {createFrameReader, encodeFrame} from '../../src/template/frames.ts';
import {fc} from '../support/properties.ts';

test('frame, any texts in pieces of any size -> the same texts, once the last piece is there', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({unit: 'grapheme'}), {maxLength: 5}),
      fc.integer({min: 1, max: 40}),
      (texts, size) => {
        const read = createFrameReader(1 << 20);
        for (let round = 0; round < 2; round++) {
          const frame = encodeFrame(texts);
          for (let at = 0; at < frame.length; at += size) {
            const seen = read(frame.subarray(at, at + size));
            if (at + size < frame.length) assert.equal(seen, undefined);
            else assert.deepEqual(seen, texts);
          }
        }
      },
    ),
  );
});

test('frame, over the limit -> refused', () => {
  const read = createFrameReader(10);
  assert.throws(() => read(encodeFrame(['more than ten bytes'])), RangeError);
});
