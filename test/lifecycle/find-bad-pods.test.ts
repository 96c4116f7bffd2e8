import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {findBadPods} from '../../src/lifecycle/find-bad-pods.ts';
import type {TemplateInput} from '../../src/template/input.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {inputOfApps} from './fixtures.ts';

const countTo = (count: number, prefix: string) => Array.from({length: count}, (_, index) => `${prefix}${index}`);

const MAX_MS = 30;

/** Searches where an input fails of what `failure` says. */
async function search(
  input: TemplateInput,
  failure: (input: TemplateInput) => string | undefined,
  {before, maxChecks = 100, checkMs = 0}: {before?: TemplateInput; maxChecks?: number; checkMs?: number} = {},
) {
  const clock = createFakeClock(1_000_000);
  const asked: string[][] = [];
  const finding = await findBadPods(
    {input, before, fault: new DaemonError('VALIDATE', failure(input) ?? '')},
    {
      clock,
      async ask(tried) {
        clock.pause(checkMs);
        asked.push(tried.variables.pods.map(({ip}) => ip));
        const reason = failure(tried);
        return reason === undefined ? {is: 'works'} : {is: 'fails', fault: new DaemonError('VALIDATE', reason)};
      },
      maxChecks,
      maxMs: MAX_MS,
    },
  );
  const ips = finding.is === 'found' ? finding.pods.map(({suspect: {pod}}) => pod.ip).sort() : finding.is;
  return {ips, checks: finding.checks, finding, asked};
}

/** Fails of each of these, and where one of the apps has nobody. */
const failing =
  (bad: readonly string[], needed: readonly string[] = []) =>
  ({variables: {pods, hosts}}: TemplateInput): string | undefined => {
    const lacking = needed.find(app => !hosts.has(app));
    if (lacking !== undefined) return `no server in ${lacking}`;
    const first = pods.find(({ip}) => bad.includes(ip));
    return first === undefined ? undefined : `of ${first.ip}`;
  };

describe('bad pods', () => {
  test('a template that takes pods, a start, one bad of 1,000 -> found in at most 12 checks, wherever it is', async () => {
    const web = countTo(1000, 'w');
    for (const bad of ['w0', 'w499', 'w500', 'w999']) {
      const {ips, checks} = await search(inputOfApps({web}), failing([bad], ['web']));
      assert.deepEqual(ips, [bad]);
      assert.ok(checks <= 12, `${bad}: ${checks}`);
    }
  });

  test('a template that takes pods of several apps, some with one pod -> the bad ones of a quarter of an app', async () => {
    const apps = {web: countTo(40, 'w'), api: ['a0'], db: ['d0']};
    for (const bad of [['w0'], ['w39'], ['w1', 'w20', 'w39'], countTo(10, 'w')]) {
      const {ips} = await search(inputOfApps(apps), failing(bad, ['web', 'api', 'db']));
      assert.deepEqual(ips, [...bad].sort());
    }
  });

  test('the only pod of an app that is not needed -> that one', async () => {
    const {ips} = await search(inputOfApps({web: countTo(9, 'w'), api: ['a0']}), failing(['a0'], ['web']));
    assert.deepEqual(ips, ['a0']);
  });

  test('all pods of an app, beside one that is needed -> those', async () => {
    const {ips} = await search(
      inputOfApps({web: countTo(3, 'w'), api: countTo(4, 'a')}),
      failing(countTo(4, 'a'), ['web']),
    );
    assert.deepEqual(ips, countTo(4, 'a'));
  });

  test('the template is wrong, whoever is there -> innocent in a few checks, of its own fault', async () => {
    const {finding, checks} = await search(inputOfApps({web: countTo(1000, 'w')}), () => 'unknown keyword');
    assert.ok(finding.is === 'innocent' && (finding.fault as Error).message === 'unknown keyword');
    assert.ok(checks <= 3, `${checks}`);
  });

  test('too many to be found one by one -> their apps as a whole, others as they are', async () => {
    const apps = {web: countTo(100, 'w'), api: countTo(100, 'a'), db: ['d0']};
    const {ips} = await search(inputOfApps(apps), failing(countTo(60, 'a'), ['web', 'db']), {maxChecks: 40});
    assert.deepEqual(ips, [...apps.api].sort());
  });

  test('more time than there may be -> given up at that moment: one by one, then app by app; all checks are told', async () => {
    const apps = Object.fromEntries(countTo(16, 'app').map(app => [app, countTo(4, app)]));
    const bad = Object.values(apps)
      .flat()
      .filter((_, place) => place % 3 === 0);
    const {finding, asked} = await search(inputOfApps(apps), failing(bad), {checkMs: MAX_MS / 3});
    assert.deepEqual([finding, asked.length], [{is: 'too long', checks: 6}, 6]);
  });

  test('each app has others -> first asked without any of them; one would have nobody -> with a half of each', async () => {
    const input = inputOfApps({web: countTo(4, 'w'), api: countTo(2, 'a')});
    const before = inputOfApps({web: ['w0'], api: ['a0']});
    const some = await search(input, failing(['w3']), {before});
    assert.deepEqual([some.ips, some.asked[0]], [['w3'], ['w0', 'a0']]);
    const all = await search(input, failing(['w3']));
    assert.deepEqual([all.ips, all.asked[0]], [['w3'], ['w0', 'w1', 'a0']]);
  });

  test('nobody came or changed -> nothing is asked', async () => {
    const input = inputOfApps({web: ['w0']});
    assert.deepEqual((await search(input, () => 'unknown keyword', {before: input})).finding, {
      is: 'nobody',
      checks: 0,
    });
  });
});
