import assert from 'node:assert/strict';
import {isIP} from 'node:net';
import {test} from 'node:test';
import {canonicalIp, isLoopback, unreachableReason} from '../../src/members/address.ts';
import {fc} from '../support/properties.ts';

const SPELLINGS: readonly [string, string | undefined][] = [
  ['10.2.0.17', '10.2.0.17'],
  ['::ffff:10.2.0.17', '10.2.0.17'],
  ['::FFFF:0a02:0011', '10.2.0.17'],
  ['0:0:0:0:0:ffff:7f00:1', '127.0.0.1'],
  ['::ffff:0.0.0.0', '0.0.0.0'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['fd00::0', 'fd00::'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ['fe80::1%eth0', undefined],
  ['10.0.0.300', undefined],
  ['10.0.0', undefined],
  ['010.0.0.1', undefined],
  [' 10.0.0.1', undefined],
  ['10.0.0.1\n', undefined],
  ['localhost', undefined],
  ['[::1]', undefined],
  ['', undefined],
  [`${'1:'.repeat(40_000)}1`, undefined],
];

for (const [text, ip] of SPELLINGS) {
  test(`address, ${JSON.stringify(text.slice(0, 30))} -> ${ip}`, () => assert.equal(canonicalIp(text), ip));
}

test('address, any IP literal -> a literal that is its own canonical form', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), text => {
      const ip = canonicalIp(text);
      assert.ok(ip !== undefined && isIP(ip) > 0);
      assert.equal(canonicalIp(ip), ip);
    }),
  );
});

test('address, any text -> never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.%]{0,45}$/)), text => void canonicalIp(text)),
  );
});

test('loopback, each family -> recognized', () => {
  for (const ip of ['127.0.0.1', '127.9.9.9', '::1']) assert.equal(isLoopback(ip), true, ip);
  for (const ip of ['12.7.0.1', '::', 'fd00::1', '']) assert.equal(isLoopback(ip), false, ip);
});

test('unreachable addresses, by kind -> named; others -> undefined', () => {
  const unreachable = ['0.0.0.0', '::', '224.0.0.1', '239.255.255.255', 'ff02::1', '255.255.255.255'];
  for (const ip of unreachable) assert.notEqual(unreachableReason(ip), undefined, ip);
  for (const ip of ['10.2.0.17', '223.255.255.255', '240.0.0.1', 'ff::1', 'fd00::1']) {
    assert.equal(unreachableReason(ip), undefined, ip);
  }
});
