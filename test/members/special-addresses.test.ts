import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {canonicalIp} from '../../src/members/address.ts';
import {parseAddressRange} from '../../src/members/address-range.ts';
import {createAddressRule} from '../../src/members/special-addresses.ts';

const canonical = (ip: string): string => canonicalIp(ip) ?? assert.fail(ip);
const ranges = (...blocks: readonly string[]) => blocks.map(block => parseAddressRange(block) ?? assert.fail(block));
const refuse = createAddressRule([], '10.2.0.1');

/** The first and the last address of each block, and what it is. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'this network': ['0.0.0.1', '0.255.255.255'],
  'metadata service': ['169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254'],
  'link-local': ['169.254.0.0', '169.254.255.255', 'fe80::', 'fe80::1', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  'IETF protocols': ['192.0.0.0', '192.0.0.255', '2001::1', '2001:1ff::1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff::', '3fff:fff::1'],
  reserved: ['240.0.0.0', '255.255.255.254'],
  'local translation to IPv4': ['64:ff9b:1::a9fe:a9fe', '64:ff9b:1:ffff::1'],
  'discard-only': ['100::1'],
  dummy: ['100:0:0:1::1'],
  'IPv4-compatible': ['::127.0.0.1', '::10.2.0.17', '::2'],
  'IPv4-translated': ['::ffff:0:127.0.0.1'],
  'a loopback address in a form of IPv6': ['64:ff9b::127.0.0.1', '2002:7f00:1::'],
  'link-local address (RFC 3927) in a form of IPv6': ['64:ff9b::169.254.1.1', '2002:a9fe:101::'],
  'metadata service in a form of IPv6': ['64:ff9b::169.254.169.254'],
};

const TAKEN = [
  ...['10.0.0.0', '10.255.255.255', '172.16.0.1', '192.168.1.1', '100.64.0.0', '100.127.255.255', '198.18.0.1'],
  ...['1.0.0.1', '8.8.8.8', '169.253.255.255', '169.255.0.0', '192.0.1.0', '191.255.255.255', '223.255.255.255'],
  ...[
    'fc00::1',
    'fd00::17',
    'fdff:ffff::1',
    '2001:200::1',
    '2a00:1450::1',
    '64:ff9b::10.2.0.17',
    '2002:a02:11::',
    'fec0::1',
  ],
  // These are judged where they come from.
  ...['127.0.0.1', '::1'],
];

describe('the address of a member', () => {
  test('what no pod has -> refused by its name', () => {
    for (const [name, addresses] of Object.entries(REFUSED)) {
      for (const ip of addresses) assert.ok(refuse(canonical(ip))?.includes(name), `${ip}: ${refuse(canonical(ip))}`);
    }
  });

  test('what pods have -> taken', () => {
    for (const ip of TAKEN) assert.equal(refuse(canonical(ip)), undefined, ip);
  });

  test('a block of the setting -> taken, its neighbours not', () => {
    const lenient = createAddressRule(ranges('240.0.0.0/8', 'fe80::/64'), undefined);
    for (const ip of ['240.0.0.1', '240.255.255.255', 'fe80::1']) assert.equal(lenient(ip), undefined, ip);
    for (const ip of ['241.0.0.1', 'fe80:0:0:1::1', '169.254.0.1']) assert.notEqual(lenient(ip), undefined, ip);
  });

  test('the block of our own address -> taken, but for the metadata service', () => {
    for (const [own, ip] of [
      ['240.1.2.3', '250.0.0.1'],
      ['2001:db8::1', '2001:db8:1::1'],
      ['169.254.1.1', '169.254.200.1'],
    ] as const) {
      assert.equal(createAddressRule([], own)(ip), undefined, ip);
      assert.notEqual(refuse(ip), undefined, ip);
    }
    for (const own of ['169.254.1.1', '169.254.169.254']) {
      assert.match(createAddressRule([], own)('169.254.169.254') ?? '', /metadata/);
    }
  });
});
