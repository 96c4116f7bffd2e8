import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {CHANGE_KINDS, findException} from '../../src/proxy/keyword-row.ts';
import {SERVER_KEYWORDS} from '../../src/proxy/server-keywords.ts';
import {findRoomDoubt} from '../../src/reload/check-room.ts';
import {openFolder} from '../support/folder.ts';
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

const SMALLEST =
  'defaults\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nlisten l\n  bind 127.0.0.1:1\n';

/** The keywords of a server that a HAProxy has itself, which it lists since 2.5. */
async function readServerKeywords(binary: string): Promise<string[]> {
  await using folder = await openFolder();
  const path = join(folder.path, 'smallest.cfg');
  writeFileSync(path, SMALLEST);
  const listed = execFileSync(binary, ['-dKall', '-c', '-f', path], {encoding: 'utf8', stdio: 'pipe'});
  return Array.from(listed.matchAll(/^\tserver <name> <addr> (\S+)/gm), ([, keyword = '']) => keyword);
}

describe('keywords of a server that a HAProxy takes', () => {
  for (const {name, binary, skip} of haproxiesUnderTest()) {
    test(`${name} -> each has its row`, {skip}, async t => {
      if (Number(releaseOf(binary)) < 2.5) return t.skip('it lists no keywords');
      const keywords = await readServerKeywords(binary);
      const rows = new Set(SERVER_KEYWORDS.map(({keyword}) => keyword));
      assert.deepEqual(
        keywords.filter(keyword => !rows.has(keyword)),
        [],
      );
      assert.ok(keywords.includes('weight'));
      t.diagnostic(`HAProxy ${releaseOf(binary)} has ${keywords.length}`);
    });
  }
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
