import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {createHider} from '../../src/proxy/hide-secrets.ts';
import {secretsOf} from '../../src/proxy/redact.ts';
import {openFolder} from '../support/folder.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {headOf, SECRET_LINES} from './secret-lines.ts';

const SECRET = 'hunter2Xyzzy';

/** It speaks of each line of a text, until there are too many. */
const TOGETHER = 4;

/** Ways to break a line so that HAProxy says something of it. */
const BREAKS: Readonly<Record<string, (line: string) => string>> = {
  'as it is': line => line,
  'a word too many': line => `${line} ${SECRET}`,
  'a quote that is not closed': line => `${line} "`,
  'a keyword mistyped': line => line.replace(/^(\w)(\w)/, '$2$1'),
  'its value alone': () => SECRET,
};

for (const {name, binary, skip} of haproxiesUnderTest()) {
  describe(`what ${name} says of a text`, {skip, timeout: 120_000}, () => {
    for (const [what, broken] of Object.entries(BREAKS)) {
      test(`every line with a credential, ${what} -> it says much, and no credential is left in it`, async () => {
        await using folder = await openFolder();
        const path = join(folder.path, 'proxy.cfg');
        let spoken = 0;
        for (const [section, lines] of Object.entries(SECRET_LINES)) {
          for (let at = 0; at < lines.length; at += TOGETHER) {
            const some = lines.slice(at, at + TOGETHER).map(line => `  ${broken(line.replaceAll('§', SECRET))}\n`);
            const text = `${headOf(section)}\n${some.join('')}`;
            writeFileSync(path, text);
            const {stderr} = spawnSync(binary, ['-c', '-f', path], {encoding: 'utf8'});
            if (stderr.includes(SECRET)) spoken += 1;
            assert.ok(!createHider(secretsOf(text))(stderr).includes(SECRET), stderr);
          }
        }
        assert.ok(spoken > 0 || what === 'a keyword mistyped', 'it told none of them');
      });
    }
  });
}
