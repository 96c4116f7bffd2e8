import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveMultiports} from '../../src/firewall/multiport.ts';
import {fc} from '../support/properties.ts';

const portsOf = (dports: string): number[] =>
  dports.split(',').flatMap(part => {
    const [first = 0, last = first] = part.split(':').map(Number);
    return Array.from({length: last - first + 1}, (_, index) => first + index);
  });

describe('multiport', () => {
  test('ports, single and consecutive -> one argument with ranges', () => {
    assert.deepEqual(deriveMultiports([8002, 443, 80, 8001, 8000, 80]), ['80,443,8000:8002']);
  });

  test('no ports -> no rule', () => {
    assert.deepEqual(deriveMultiports([]), []);
  });

  test('16 single ports -> a rule of 15 and a rule of 1', () => {
    const ports = Array.from({length: 16}, (_, index) => 100 + 2 * index);
    assert.deepEqual(deriveMultiports(ports), [ports.slice(0, 15).join(','), '130']);
  });

  test('a range when one place is left -> it starts the next rule', () => {
    const singles = Array.from({length: 14}, (_, index) => 100 + 2 * index);
    assert.deepEqual(deriveMultiports([...singles, 200, 201]), [singles.join(','), '200:201']);
  });

  test('any ports -> matched exactly, at most 15 places a rule', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(fc.integer({min: 1, max: 60}), fc.integer({min: 1, max: 65_535}))), ports => {
        const rules = deriveMultiports(ports);
        assert.ok(rules.every(dports => dports.split(/[,:]/).length <= 15));
        assert.deepEqual(
          rules.flatMap(portsOf),
          ports.toSorted((a, b) => a - b),
        );
      }),
    );
  });

  for (const port of [0, -1, 65_536, 80.5, Number.NaN]) {
    test(`port ${port} -> refused with its value`, () => {
      assert.throws(() => deriveMultiports([80, port]), {
        code: 'APPLY',
        message: `cannot gate port ${port}: it is not an integer from 1 to 65535`,
      });
    });
  }
});
