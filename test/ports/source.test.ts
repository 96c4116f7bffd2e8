import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createSource} from '../../src/ports/source.ts';

describe('source', () => {
  test('news before and after the listener -> told in order, each once', () => {
    const source = createSource<number>();
    const heard: number[] = [];
    source.tell(1);
    source.tell(2);
    source.follow(news => heard.push(news));
    source.tell(3);
    assert.deepEqual(heard, [1, 2, 3]);
  });

  test('a listener that brings about more -> heard after what waited', () => {
    const source = createSource<number>();
    const heard: number[] = [];
    source.tell(1);
    source.tell(2);
    source.follow(news => {
      heard.push(news);
      if (news === 1) source.tell(3);
    });
    source.tell(4);
    assert.deepEqual(heard, [1, 2, 3, 4]);
  });

  test('more waits than may -> the oldest is forgotten, the newest never', () => {
    const heardOf = (...sizes: readonly number[]): number[] => {
      const source = createSource<number>({most: 10, sizeOf: size => size});
      for (const size of sizes) source.tell(size);
      const heard: number[] = [];
      source.follow(size => heard.push(size));
      return heard;
    };
    assert.deepEqual(heardOf(3, 3, 4), [3, 3, 4]);
    assert.deepEqual(heardOf(3, 3, 5), [3, 5]);
    assert.deepEqual(heardOf(3, 7, 7), [7]);
    assert.deepEqual(heardOf(1, 11), [11]);
  });

  test('a second listener -> refused: it would take the news from the first', () => {
    const source = createSource<number>();
    source.follow(() => {});
    assert.throws(() => source.follow(() => {}), /one listener/);
  });
});
