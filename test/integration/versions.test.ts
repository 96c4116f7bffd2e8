import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {liveDay} from '../versions/day.ts';

for (const {name, binary, skip} of haproxiesUnderTest('root', 'netns')) {
  describe(`a proxy's day on ${name}`, {skip, timeout: 300_000}, () => {
    test('start, join, move, leave, reload, log, look and die -> each is done, nothing is lost', async t => {
      const outcomes = await liveDay(binary);
      for (const {feature, how} of outcomes) t.diagnostic(`${feature}: ${how}`);
      assert.deepEqual(
        outcomes.filter(({is}) => is === 'failed'),
        [],
      );
    });
  });
}
