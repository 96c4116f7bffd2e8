import assert from 'node:assert/strict';
import {test} from 'node:test';
import {showLine} from '../../src/proxy/show-line.ts';

const TEXT = [
  'backend web',
  '  balance roundrobbin',
  '  server a 10.0.0.1:80 weight 999',
  'userlist u',
  '  user a insecure-password hunter2',
  '  passwrod hunter2',
].join('\n');

test('a line of a configuration -> as it is, but what may be a credential, or is not understood, is hidden', () => {
  assert.deepEqual(
    [1, 2, 3, 5, 6, 7].map(line => showLine(TEXT, line)),
    [
      'backend web',
      'balance roundrobbin',
      'server a 10.0.0.1:80 weight 999',
      'user a insecure-password ***',
      '***',
      '',
    ],
  );
});
