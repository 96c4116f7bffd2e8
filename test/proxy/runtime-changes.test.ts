import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {CHANGE_KINDS, findException} from '../../src/proxy/keyword-row.ts';
import {SERVER_KEYWORDS} from '../../src/proxy/server-keywords.ts';
import {findRoomDoubt} from '../../src/reload/check-room.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {haproxyBinary} from '../support/parts.ts';
import {decide, fewOf, openHarness, proveAllowed, releaseOf} from './changes/harness.ts';
import {run} from './changes/running.ts';
import {SERVER_SAMPLES} from './changes/samples.ts';
import {countTold, isToldIn, sectionOf, sectionsIn} from './changes/table.ts';
import {NOT_TRIED, TRIALS} from './changes/trials.ts';

const PAGE = readFileSync(new URL('../../docs/runtime-changes.md', import.meta.url), 'utf8');

describe('the tables of keywords', () => {
  test('every keyword of a server -> tried, or it says why not', () => {
    assert.deepEqual(Object.keys(SERVER_SAMPLES).sort(), SERVER_KEYWORDS.map(({keyword}) => keyword).sort());
  });

  test('a keyword that is not tried -> a reload for every kind of change', () => {
    for (const row of SERVER_KEYWORDS.filter(({keyword}) => NOT_TRIED.has(keyword))) {
      for (const kind of CHANGE_KINDS) assert.ok(findException(row, kind, 3.2), `${row.keyword}, ${kind}`);
    }
  });
});

/** What the daemon's usual HAProxy has shown in the same run is not shown again of another one. */
describe('changes at run time', {timeout: 1_200_000, concurrency: true}, () => {
  for (const [index, {name, binary, skip}] of haproxiesUnderTest('openssl', 'root').entries()) {
    describe(name, {skip}, () => {
      test('whatever is told -> it ends where a start with the new text does', async t => {
        await using harness = await openHarness(binary);
        const decided = await decide(TRIALS, harness);
        const sections = sectionsIn(PAGE);
        const section = sections.get(harness.release);
        if (section === undefined) t.diagnostic(`docs/runtime-changes.md has no section for ${harness.release}`);
        else
          assert.equal(
            sectionOf(harness.release, decided, NOT_TRIED),
            section,
            'docs/runtime-changes.md is out of date: run `npm run runtime-changes`',
          );
        const usual = index === 0 ? '' : (sections.get(releaseOf(haproxyBinary)) ?? '');
        const tried = usual === '' ? decided : fewOf(decided, (...cell) => isToldIn(usual, ...cell));
        const findings = await proveAllowed(tried, harness);
        const shown = findings.map(({trial, situation, differences, commands}) =>
          [`${trial.keyword}, ${situation}`, ...differences, ...commands].join('\n  '),
        );
        assert.deepEqual(shown, []);
        t.diagnostic(`${countTold(tried)} of ${countTold(decided)} situations that are told at run time were tried`);
      });

      test('servers with checks come to a small HAProxy -> as many as its limit of files bears, for more a reload', async () => {
        await using running = await run(
          binary,
          `global
  maxconn 20
  stats socket {run}/runtime.sock level admin
defaults
  mode http
  timeout connect 2s
  timeout client 2s
  timeout server 2s
frontend f
  bind unix@{run}/front.sock
`,
        );
        const ask = (_: string, command: string) => running.ask(command);
        assert.match(
          (await findRoomDoubt(ask, running.socket, 120)) ?? '',
          /^the limit of \d+ open files, fixed at the start, /,
        );
        assert.equal(await findRoomDoubt(ask, running.socket, 4), undefined);
      });
    });
  }
});
