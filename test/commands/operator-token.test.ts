import assert from 'node:assert/strict';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {readToken} from '../../src/commands/operator-token.ts';
import {openFolder} from '../support/folder.ts';

describe("the operators' token as commands read it", () => {
  for (const [what, text] of [
    ['no newline at its end', 'open-sesame'],
    ['a newline', 'open-sesame\n'],
    ['CRLF', 'open-sesame\r\n'],
    ['a byte order mark', '\uFEFFopen-sesame\n'],
    ['blanks around it', '  open-sesame \n\n'],
  ] as const) {
    test(`a file with ${what} -> the token`, async () => {
      await using folder = await openFolder();
      const path = join(folder.path, 'token');
      await writeFile(path, text);
      assert.equal(await readToken(path), 'open-sesame');
    });
  }

  test('a file without an end -> USAGE, with the bound', async () => {
    await assert.rejects(readToken('/dev/zero'), {
      code: 'USAGE',
      message: /^cannot find the operators' token: it is longer than 64 MiB; set --token-file, /,
    });
  });

  for (const [what, text, fault] of [
    ['nothing', '\r\n', 'is empty'],
    ['two lines', 'open\nsesame\n', 'has more than one line, or characters that no HTTP header can have'],
    ['bytes', 'a\0b', 'has more than one line, or characters that no HTTP header can have'],
    ['letters that no header has', 'žluť', 'has more than one line, or characters that no HTTP header can have'],
  ] as const) {
    test(`a file with ${what} -> USAGE, with the file and what to set, without what it holds`, async () => {
      await using folder = await openFolder();
      const path = join(folder.path, 'token');
      await writeFile(path, text);
      await assert.rejects(readToken(path), {
        code: 'USAGE',
        message: `cannot find the operators' token: ${path} ${fault}; set --token-file, KONTROL_TOKEN_FILE or HAPROXY_KONTROL_TOKEN`,
      });
    });
  }
});
