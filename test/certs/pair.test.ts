import assert from 'node:assert/strict';
import {generateKeyPairSync} from 'node:crypto';
import {describe, test} from 'node:test';
import {checkPair} from '../../src/certs/pair.ts';
import {makePair} from '../kubernetes/pairs.ts';
import {missing} from '../support/parts.ts';

const DAY_MS = 86_400_000;

describe('checkPair', {skip: missing('openssl')}, () => {
  test('a certificate and its key -> one PEM without blank lines, chain first, and when it expires', async () => {
    const {chain, key} = await makePair('a.test');
    const issuer = (await makePair('ca.test')).chain;
    const checked = checkPair(
      {chain: `junk\n${chain}\n\n${issuer}`, key: `\r\n${key.replaceAll('\n', '\r\n')}`},
      Date.now(),
    );
    assert.equal(checked.is, 'good');
    assert.ok(checked.is === 'good');
    const {pem, expiresAt, names, fingerprint} = checked.pair;
    assert.match(pem, /^-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE/);
    assert.match(pem, /-----END PRIVATE KEY-----\n$/);
    assert.doesNotMatch(pem, /\n\n|\r|junk/);
    assert.ok(Math.abs(expiresAt - Date.now() - DAY_MS) < DAY_MS / 24);
    assert.equal(names, 'DNS:a.test');
    assert.match(fingerprint, /^[0-9a-f]{64}$/);
    assert.deepEqual(checkPair({chain: pem, key: pem}, Date.now()), checked);
  });

  test('what is no good -> says why', async () => {
    const {chain, key} = await makePair('a.test');
    const other = await makePair('b.test');
    const broken = chain.replace(/MII[A-Za-z]{8}/, 'MIIAAAAAAAA');
    const locked = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: {type: 'spki', format: 'pem'},
      privateKeyEncoding: {type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x'},
    }).privateKey;
    const cases: readonly [string, string, RegExp, number?][] = [
      [chain, other.key, /key does not belong/],
      [`${other.chain}${chain}`, key, /key does not belong to its first/],
      ['', key, /no certificate/],
      [chain, '', /no private key/],
      [chain, chain, /no private key/],
      [broken, key, /cannot be read/],
      [chain, locked, /passphrase/],
      [chain, key, /expired at/, Date.now() + 2 * DAY_MS],
      [chain, key, /not valid before/, Date.now() - DAY_MS],
    ];
    for (const [givenChain, givenKey, reason, atMs = Date.now()] of cases) {
      const checked = checkPair({chain: givenChain, key: givenKey}, atMs);
      assert.match(checked.is === 'bad' ? checked.reason : 'good', reason);
    }
  });

  test('expired, but time left out -> good: what served before goes on', async () => {
    assert.equal(checkPair(await makePair('a.test'), undefined).is, 'good');
  });
});
