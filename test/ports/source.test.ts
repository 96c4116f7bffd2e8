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

  test('a listener that brings about more -> heard too', () => {
    const source = createSource<number>();
    const heard: number[] = [];
    source.tell(1);
    source.follow(news => {
      heard.push(news);
      if (news === 1) source.tell(2);
    });
    assert.deepEqual(heard, [1, 2]);
  });

  test('a second listener -> refused: it would take the news from the first', () => {
    const source = createSource<number>();
    source.follow(() => {});
    assert.throws(() => source.follow(() => {}), /one listener/);
  });
});
