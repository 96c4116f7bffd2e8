import assert from 'node:assert/strict';
import {BlockList, isIPv4} from 'node:net';
import {test} from 'node:test';
import {canonicalIp} from '../../src/members/address.ts';
import {isWithin, octetsOf, parseAddressRange} from '../../src/members/address-range.ts';
import {fc} from '../support/properties.ts';

test('block of addresses, no such -> undefined', () => {
  for (const text of [
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.1/8',
    'fd00::/129',
    'fd00::1/8',
    'a/8',
    '10.0.0.0/8/8',
    '/8',
  ]) {
    assert.equal(parseAddressRange(text), undefined, text);
  }
});

test('block of addresses, one address -> that and no other', () => {
  const range = parseAddressRange('169.254.169.254') ?? assert.fail();
  assert.ok(isWithin(range, octetsOf('169.254.169.254')));
  assert.ok(!isWithin(range, octetsOf('169.254.169.253')));
  assert.ok(!isWithin(range, octetsOf('::1')));
});

test('block of addresses, any and any address -> as the system judges', () => {
  const ip = fc.oneof(fc.ipV4(), fc.ipV6()).map(text => canonicalIp(text) ?? assert.fail());
  fc.assert(
    fc.property(ip, ip, fc.nat(128), (base, other, length) => {
      const bits = Math.min(length, isIPv4(base) ? 32 : 128);
      const list = new BlockList();
      list.addSubnet(base, bits, isIPv4(base) ? 'ipv4' : 'ipv6');
      const octets = octetsOf(base).map(
        (octet, index) => octet & ((0xff00 >> Math.min(8, Math.max(0, bits - 8 * index))) & 255),
      );
      for (const address of [base, other]) {
        if (isIPv4(address) !== isIPv4(base)) continue;
        assert.equal(
          isWithin({octets, bits}, octetsOf(address)),
          list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6'),
          `${address} in ${base}/${bits}`,
        );
      }
    }),
  );
});
