import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {DaemonError} from '../../src/errors.ts';
import {parseVersion} from '../../src/proxy/version.ts';
import {createAbilities} from '../../src/reload/abilities.ts';

const HELP = 'List of keywords supported for dynamic server:\ncheck\ncookie\nset-proxy-v2-tlv-fmt\n';

describe('what the running HAProxy can be told', () => {
  test('before 3.2 -> its version, nothing is asked', async () => {
    const abilities = createAbilities(
      async () => assert.fail('asked'),
      parseVersion('HAProxy version 2.6.12-1+deb12u4 2026/10/15'),
    );
    assert.deepEqual(await abilities.of('/s'), {release: 2.6});
  });
  test('since 3.2 -> the words that it lists, asked for once', async () => {
    const asked: string[] = [];
    const ask = async (socket: string, command: string) => {
      asked.push(`${socket} ${command}`);
      return HELP;
    };
    const abilities = createAbilities(ask, parseVersion('HAProxy version 3.2.26-1 2026/10/14'));
    const words = {release: 3.2, addWords: new Set(['check', 'cookie', 'set-proxy-v2-tlv-fmt'])};
    assert.deepEqual([await abilities.of('/s'), await abilities.of('/s')], [words, words]);
    assert.deepEqual(asked, ['/s add server help']);
  });
  test('no answer -> no word is taken for known, and it is asked again', async () => {
    let answers = 0;
    const ask = async () => {
      answers += 1;
      if (answers === 1) throw new DaemonError('PROXY', 'gone');
      return HELP;
    };
    const abilities = createAbilities(ask, parseVersion('HAProxy version 3.2.26-1 2026/10/14'));
    assert.equal((await abilities.of('/s')).addWords?.size, 0);
    assert.equal((await abilities.of('/s')).addWords?.size, 3);
  });
});
