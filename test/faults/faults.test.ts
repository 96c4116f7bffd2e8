import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {missing} from '../support/parts.ts';
import {HANGS_TITLE, STEPS, tryHangs, WAYS} from './hangs.ts';
import {nameOf, planCases, sampleCases} from './plan.ts';
import {SCENARIOS, type Scenario} from './scenario.ts';
import {effectOf, TABLE} from './table.ts';
import {openSession, type Point} from './trial.ts';

/** Of some hundred in each scenario; `npm run faults` has them all. Two minutes for the suite, most of it waiting. */
const SAMPLE = Number(process.env.KONTROL_FAULTS ?? 6);

const table = (): string => readFileSync(TABLE, 'utf8');

/** The cells of a scenario, by effect. */
function cellsOf(name: string): Map<string, readonly string[]> {
  const section = table()
    .split(/^## /m)
    .find(one => one.toLowerCase().startsWith(`${name}:`));
  const lines = (section ?? '').split('\n').filter(line => line.startsWith('| `'));
  return new Map(
    lines.map(line => {
      const [, effect = '', ...cells] = line.split(/(?<!\\) \| |^\| | \|$/);
      return [effect, cells.slice(0, 3)];
    }),
  );
}

describe('a pass, one effect of it gone wrong', {
  concurrency: 2,
  skip: missing('root', 'haproxy', 'netns', 'iptables'),
  timeout: 600_000,
}, () => {
  for (const scenario of SCENARIOS) {
    test(`${scenario.name}, a sample of its faults -> whole in the end, no client noticed`, async t => {
      await using stage = await scenario.open();
      await using session = await openSession(scenario, stage);
      const points = await session.record();
      for (const one of sampleCases(planCases(scenario, points), SAMPLE)) {
        t.diagnostic(`${nameOf(one)}: ${await session.run(one.point, one.kind)}`);
      }
      // The table was made with HAProxy 2.6, whose ways are others than those of 1.7.
      const cases = planCases(scenario, points);
      if (haproxyIsAtLeast(2, 6)) assertListed(scenario, [...new Set(cases.map(({point}) => point))]);
    });
  }
});

describe('a pass while HAProxy hangs', {
  skip: missing('root', 'haproxy', 'netns', 'iptables'),
  timeout: 300_000,
}, () => {
  test('the new HAProxy starts, the old one hangs -> the new text serves, nothing is left of the old one', async () => {
    const [hang] = await tryHangs('inherit', ['the new HAProxy starts'], () => {});
    assert.match(hang?.outcome ?? '', /^goes on/);
  });
});

test('table of hangs -> each step of a pass in each way', () => {
  const section = table()
    .split(/^## /m)
    .find(one => one.startsWith(HANGS_TITLE));
  const lines = (section ?? '').split('\n');
  for (const step of Object.keys(STEPS)) {
    const cells = lines.find(line => line.startsWith(`| ${step} |`))?.split(' | ') ?? [];
    assert.equal(cells.length, WAYS.length + 1, step);
    assert.ok(
      cells.every(cell => cell.trim() !== ''),
      step,
    );
  }
});

/** A pass may come to do more than the table knows: then it is to be made anew. */
function assertListed({name, beside}: Scenario, points: readonly Point[]): void {
  const listed = cellsOf(name);
  // How often something is looked at until it is so depends on the machine, and so does whether a look for drift comes then.
  const byTiming = /^(ask show (info|acl|map|stat -|servers state)|read|list|open|start ss|end of ss)(?!\w)/;
  // Another version may be asked once more.
  const isListed = (point: Point) =>
    listed.has(effectOf(point)) || (/^ask /.test(point.label) && listed.has(effectOf({...point, nth: 1})));
  const isBeside = ({label}: Point) => byTiming.test(label) || beside?.test(label) === true;
  const isNew = points.filter(point => !isListed(point) && !isBeside(point));
  assert.deepEqual(isNew.map(effectOf), [], 'not in docs/faults.md: npm run faults');
}

test('table of faults -> every cell says what came of it, none is broken', () => {
  for (const {name} of SCENARIOS) {
    const cells = cellsOf(name);
    assert.ok(cells.size >= 12, `${name}: ${cells.size} effects`);
    for (const [effect, outcomes] of cells) {
      assert.ok(
        outcomes.some(outcome => outcome !== ''),
        effect,
      );
      assert.ok(!outcomes.some(outcome => outcome.includes('BROKEN')), effect);
    }
  }
});
