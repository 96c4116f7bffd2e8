import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import type {Figure} from './figure.ts';
import {deriveGrowth, fitExponent} from './growth.ts';

const series = (costOf: (size: number) => number, sizes: readonly number[] = [10, 1000, 10_000]): Figure[] =>
  sizes.map(size => ({
    name: `render, ${size}`,
    value: costOf(size),
    unit: 'ms',
    better: 'less',
    point: {series: 'render', size},
  }));

const near = (value: number | undefined, wanted: number) =>
  assert.ok(Math.abs((value ?? Number.NaN) - wanted) < 1e-9, `${value} is not ${wanted}`);

describe('growth', () => {
  test('exponent, powers of the size -> their exponents', () => {
    for (const k of [0, 0.5, 1, 2]) {
      near(fitExponent([10, 1000, 10_000].map(size => ({size, cost: 3 * size ** k}))), k);
    }
  });

  for (const {name, costOf, word} of [
    {name: 'no growth', costOf: () => 7, word: /^constant: 0\.00 from 1,000 to 10,000 members$/},
    {name: 'the square root', costOf: Math.sqrt, word: /^less than linear: 0\.50 /},
    {name: 'the size', costOf: (size: number) => size, word: /^linear: 1\.00 /},
    {name: 'a sort', costOf: (size: number) => size * Math.log(size), word: /^linear: 1\.12 /},
    {name: 'the square', costOf: (size: number) => size ** 2, word: /^worse than linear: 2\.00 /},
  ]) {
    test(`growth, ${name} -> ${word}`, () => {
      assert.match(deriveGrowth(series(costOf))[0]?.beside ?? '', word);
    });
  }

  test('growth, a fixed cost that hides a square at small sizes -> judged at the large ones', () => {
    const [growth] = deriveGrowth(series(size => 100 + size ** 2 / 10_000));
    assert.ok((growth?.value ?? 1) < 1);
    assert.match(growth?.beside ?? '', /^worse than linear: 1\.70 /);
  });

  test('growth, sizes in any order, a figure of 0 -> sorted, left out', () => {
    const [growth] = deriveGrowth(series(size => (size === 10 ? 0 : size), [10_000, 10, 1000]));
    near(growth?.value, 1);
    assert.match(growth?.beside ?? '', /from 1,000 to 10,000 members$/);
  });

  test('growth, a rate that falls by ten for ten times the members -> its cost is linear', () => {
    const rates = series(size => 1000 / size).map(figure => ({...figure, better: 'more' as const}));
    near(deriveGrowth(rates)[0]?.value, 1);
  });

  test('growth, figures of no series or of one size -> none', () => {
    assert.deepEqual(deriveGrowth([{name: 'max', value: 1, unit: 'ms', better: 'less'}]), []);
    assert.deepEqual(deriveGrowth(series(size => size, [1000])), []);
  });
});
