import assert from 'node:assert/strict';
import {test} from 'node:test';
import {checkPair} from '../../src/certs/pair.ts';
import {createStandIn} from '../../src/certs/stand-in.ts';

test('a stand-in -> a certificate that is valid today, with its key', () => {
  const pem = createStandIn(`secret-${'x'.repeat(200)}`);
  const checked = checkPair({chain: pem, key: pem}, Date.now());
  assert.ok(checked.is === 'good');
  assert.match(checked.pair.names, /^CN=secret-x+$/);
});
