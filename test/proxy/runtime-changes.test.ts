import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {CHANGE_KINDS, findException} from '../../src/proxy/keyword-row.ts';
import {SERVER_KEYWORDS} from '../../src/proxy/server-keywords.ts';
import {findRoomDoubt} from '../../src/reload/check-room.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {decide, openHarness, proveAllowed} from './changes/harness.ts';
import {run} from './changes/running.ts';
import {SERVER_SAMPLES} from './changes/samples.ts';
import {sectionOf, sectionsIn} from './changes/table.ts';
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

for (const {name, binary, skip} of haproxiesUnderTest('openssl', 'root')) {
  describe(`changes at run time, ${name}`, {skip, timeout: 1_200_000}, () => {
    test('whatever is told -> it ends where a start with the new text does', async t => {
      await using harness = await openHarness(binary);
      const decided = await decide(TRIALS, harness);
      const findings = await proveAllowed(decided, harness);
      const shown = findings.map(({trial, situation, differences, commands}) =>
        [`${trial.keyword}, ${situation}`, ...differences, ...commands].join('\n  '),
      );
      assert.deepEqual(shown, []);
      const section = sectionsIn(PAGE).get(harness.release);
      t.diagnostic(/^\d+ situations .*$/m.exec(section ?? '')?.[0] ?? `no section for ${harness.release}`);
      if (section === undefined) return;
      assert.equal(
        sectionOf(harness.release, decided, NOT_TRIED),
        section,
        'docs/runtime-changes.md is out of date: run `npm run runtime-changes`',
      );
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
