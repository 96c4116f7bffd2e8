import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseStateFile} from '../../src/proxy/server-state.ts';

const WANTED = 'defaults\n  load-server-state-from-file global\n';

describe('state file', () => {
  for (const [name, text, expected] of [
    ['nothing said', 'listen a\n', {isWanted: false, path: undefined}],
    ['wanted, no file', WANTED, {isWanted: true, path: undefined}],
    ['one for each backend', 'defaults\n  load-server-state-from-file local\n', {isWanted: false, path: undefined}],
    ['wanted, absolute', `global\n  server-state-file /a/s\n${WANTED}`, {isWanted: true, path: '/a/s'}],
    [
      'wanted, in a base folder',
      `global\n  server-state-base /b\n  server-state-file s\n${WANTED}`,
      {isWanted: true, path: '/b/s'},
    ],
  ] as const) {
    test(`${name} -> ${JSON.stringify(expected)}`, () => assert.deepEqual(parseStateFile(text), expected));
  }
});
