import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {createHider} from '../../src/proxy/hide-secrets.ts';
import {secretsOf} from '../../src/proxy/redact.ts';
import {openFolder} from '../support/folder.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {haproxyBinary, missing} from '../support/parts.ts';

const SECRET = 'Qx7Wv9Kz3Hq5Jt8';
const LONG = SECRET.repeat(6);
const SECRETS = new Set([SECRET, `y${LONG}`]);

for (const [situation, said, shown] of [
  ['its end', 'x:2]: unmatched quote:\n  ...v9Kz3Hq5Jt8 b "c\n', 'x:2]: unmatched quote:\n  ...*** b "c\n'],
  ['its beginning', '  stats auth a:Qx7Wv9K...\n  ^', '  stats auth a:***...\n  ^'],
  ['its end, and its beginning', '  ...Jt8 b Qx7...', '  ...*** b ***...'],
  ['its middle alone', `  ...${LONG.slice(2, 76)}...\n`, '  ...***...\n'],
  ['its beginning, and nothing before', 'Qx7Wv9K...', '***...'],
  ['all of it', `  ...${SECRET} b...\n`, '  ...*** b...\n'],
  ['its beginning, without dots, a mark below', '  setenv A Qx7Wv\n   ^', '  setenv A ***\n   ^'],
  ['the same, its length', `  setenv A ${'b'.repeat(65)}:Qx7Wv\n`, `  setenv A ${'b'.repeat(65)}:***\n`],
  ['its end, within JSON', '{"a":"b:\\n  ...Kz3Hq5Jt8\\n  ^"}', '{"a":"b:\\n  ...***\\n  ^"}'],
  ['eight characters of it, another word behind', '  ...z3Hq5Jt8b c', '  ...***b c'],
  ['seven characters within another word', '  ...3Hq5Jt8b c', '  ...3Hq5Jt8b c'],
  ['nothing of it, dots on both sides', `  ...${'b'.repeat(74)}...\n`, `  ...${'b'.repeat(74)}...\n`],
  ['a few characters within another word', '  ...Jt8b and xQx7...', '  ...Jt8b and xQx7...'],
  ['two characters, dots of prose', '  ...t8 b\nbut ...Jt8 waits... Qx7', '  ...t8 b\nbut ...Jt8 waits... Qx7'],
] as const) {
  test(`a quotation that is cut within a secret, ${situation} -> ${JSON.stringify(shown)}`, () => {
    assert.equal(createHider(SECRETS)(said), shown);
  });
}

const skip = missing('haproxy') || (!haproxyIsAtLeast(2, 2) && 'this HAProxy quotes no lines');

describe('what HAProxy quotes of a long line', {skip}, () => {
  test('wherever it is cut -> no part of a secret', async () => {
    await using folder = await openFolder();
    const path = join(folder.path, 'proxy.cfg');
    // One section each: it tells of a fault in every one.
    const paddings = Array.from({length: 60}, (_, index) => index * 2);
    const lines = paddings.flatMap(before => [
      `http-request set-header X-Key ${'a'.repeat(before)} ${SECRET} ${'b'.repeat(70)} "c`,
      `http-request set-header X-Key ${SECRET}${'b'.repeat(before)} "c`,
      `http-request set-header X-Key "c ${'a'.repeat(before)} ${SECRET} b`,
    ]);
    let cut = 0;
    for (let at = 0; at < lines.length; at += 15) {
      const text = lines
        .slice(at, at + 15)
        .map((line, index) => `listen l${index}\n  ${line}\n`)
        .join('');
      writeFileSync(path, text);
      const {stderr} = spawnSync(haproxyBinary, ['-c', '-f', path], {encoding: 'utf8'});
      cut += stderr.split('\n').filter(line => /^ {2}\.{3}|\.{3}$/.test(line)).length;
      const said = createHider(secretsOf(text))(stderr);
      for (let part = 0; part + 3 <= SECRET.length; part += 1)
        assert.ok(!said.includes(SECRET.slice(part, part + 3)), said);
    }
    assert.ok(cut > 30, `${cut} were cut`);
  });
});
