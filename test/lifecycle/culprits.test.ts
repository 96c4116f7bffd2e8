import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {findCulprits} from '../../src/lifecycle/find-culprits.ts';
import {fc} from '../support/properties.ts';

/** Finds out of `count` suspects, 0 to count-1; `failure` says what a group fails of. */
async function find(
  count: number,
  failure: (group: ReadonlySet<number>) => string | undefined,
  bounds: {maxChecks?: number; hasTime?: () => boolean; groups?: readonly (readonly number[])[]} = {},
) {
  const suspects = Array.from({length: count}, (_, index) => index);
  const asked: number[] = [];
  const {maxChecks = 10_000, hasTime = () => true, groups} = bounds;
  const finding = await findCulprits<number, string>(suspects, failure(new Set(suspects)) ?? '', {
    async check(group) {
      asked.push(group.size);
      const fault = failure(group);
      return fault === undefined ? {is: 'works'} : {is: 'fails', fault};
    },
    ...(groups && {groups}),
    isSame: (one, other) => one === other,
    maxChecks,
    hasTime,
  });
  return {finding, asked};
}

/** Fails with any of these. */
const failsWith =
  (...bad: number[]) =>
  (group: ReadonlySet<number>): string | undefined => {
    const first = bad.find(one => group.has(one));
    return first === undefined ? undefined : `of ${first}`;
  };

const indexesOf = (finding: Awaited<ReturnType<typeof find>>['finding']) =>
  finding.is === 'found' ? finding.culprits.map(({suspect}) => suspect) : finding.is;

describe('culprits', () => {
  test('one among 1,000, wherever it is -> at most 12 checks, with what it fails of', async () => {
    for (const bad of [0, 1, 499, 500, 998, 999]) {
      const {finding} = await find(1000, failsWith(bad));
      assert.deepEqual(finding.is === 'found' && finding.culprits, [{suspect: bad, fault: `of ${bad}`}]);
      assert.ok(finding.checks <= 12, `${bad}: ${finding.checks}`);
    }
  });

  test('it fails without any of them -> one check, nobody is to blame', async () => {
    const {finding, asked} = await find(1000, () => 'a wrong word');
    assert.deepEqual([finding, asked], [{is: 'innocent', fault: 'a wrong word', checks: 1}, [0]]);
  });

  test('no suspects -> nobody is to blame, nothing is asked', async () => {
    assert.deepEqual((await find(0, () => 'a wrong word')).finding, {
      is: 'innocent',
      fault: 'a wrong word',
      checks: 0,
    });
  });

  test('one suspect -> asked for without it, once', async () => {
    const {finding, asked} = await find(1, failsWith(0));
    assert.deepEqual([indexesOf(finding), asked], [[0], [0]]);
  });

  test('two that only fail together -> one of them', async () => {
    const {finding} = await find(10, group => (group.has(2) && group.has(7) ? 'a name twice' : undefined));
    assert.deepEqual(indexesOf(finding), [7]);
  });

  test('it takes somebody, and one is bad -> found from the first group that works, wherever it is', async () => {
    const groups = [
      Array.from({length: 500}, (_, index) => index),
      Array.from({length: 500}, (_, index) => 500 + index),
    ];
    for (const bad of [0, 499, 500, 999]) {
      const {finding} = await find(1000, group => (group.size === 0 ? 'nobody' : failsWith(bad)(group)), {
        groups: [...groups, []],
      });
      assert.deepEqual(finding.is === 'found' && finding.culprits, [{suspect: bad, fault: `of ${bad}`}]);
      assert.ok(finding.checks <= 12, `${bad}: ${finding.checks}`);
    }
  });

  test('no group works -> innocent, of what it fails without any; the same words without any: no more is asked', async () => {
    const groups = [[], [0], [1]];
    const other = await find(2, group => (group.size === 0 ? 'a wrong word' : 'a wrong pod'), {groups});
    assert.deepEqual([other.finding, other.asked], [{is: 'innocent', fault: 'a wrong word', checks: 3}, [0, 1, 1]]);
    const same = await find(2, () => 'a wrong word', {groups});
    assert.deepEqual(same.asked, [0]);
  });

  test('nobody says which faults are one -> each group is asked, though all fail in the same words', async () => {
    const asked: number[] = [];
    const finding = await findCulprits<number, string>([0, 1], 'a wrong word', {
      async check({size}) {
        asked.push(size);
        return {is: 'fails', fault: 'a wrong word'};
      },
      groups: [[], [0], [1]],
      maxChecks: 10,
      hasTime: () => true,
    });
    assert.deepEqual([finding, asked], [{is: 'innocent', fault: 'a wrong word', checks: 3}, [0, 1, 1]]);
  });

  test('more checks, or more time, than there may be -> given up', async () => {
    const bad = [1, 30, 60];
    const {finding} = await find(100, failsWith(...bad), {maxChecks: 9});
    assert.deepEqual(finding, {is: 'too long', checks: 9});
    const looks = [true, true, true, false];
    const late = await find(100, failsWith(...bad), {hasTime: () => looks.shift() ?? false});
    assert.deepEqual(late.finding, {is: 'too long', checks: 3});
  });

  test('any culprits, alone or in pairs -> without them it works, with each of them on top it fails', async () => {
    const pairs = fc.array(fc.tuple(fc.nat(39), fc.nat(39)), {maxLength: 5});
    await fc.assert(
      fc.asyncProperty(fc.integer({min: 1, max: 40}), pairs, async (count, given) => {
        const real = given.filter(pair => pair.every(index => index < count));
        fc.pre(real.length > 0);
        const failure = (group: ReadonlySet<number>) =>
          real.some(pair => pair.every(index => group.has(index))) ? 'fails' : undefined;
        const {finding} = await find(count, failure);
        assert.ok(finding.is === 'found');
        const out = new Set(finding.culprits.map(({suspect}) => suspect));
        const left = Array.from({length: count}, (_, index) => index).filter(index => !out.has(index));
        assert.equal(failure(new Set(left)), undefined);
        for (const culprit of out) assert.equal(failure(new Set([...left, culprit])), 'fails');
        assert.ok(finding.checks <= 1 + out.size * (Math.ceil(Math.log2(count)) + 1), `${finding.checks} checks`);
      }),
    );
  });
});
