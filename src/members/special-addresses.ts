import {isLoopback} from './address.ts';
import {type AddressRange, isWithin, octetsOf, parseAddressRange} from './address-range.ts';

/**
 * The blocks of IANA's registries of special-purpose addresses (RFC 6890; as of 2025) that nothing can be sent to, or not
 * beyond a link: "Destination" or "Forwardable" is False there, or that discard what they get. With them the addresses of
 * clouds' metadata services, and the deprecated forms of IPv6 that hold an IPv4 address. What pods have is not in it:
 * private use, shared (100.64.0.0/10), benchmarking (198.18.0.0/15) and unique local addresses (fc00::/7).
 */
const REFUSED: readonly (readonly [block: string, name: string])[] = [
  ['169.254.169.254', 'the address of the metadata service'],
  ['168.63.129.16', 'the address of the metadata service'],
  ['100.100.100.200', 'the address of the metadata service'],
  ['fd00:ec2::254', 'the address of the metadata service'],
  ['fd20:ce::254', 'the address of the metadata service'],
  ['0.0.0.0/8', 'an address of "this network" (RFC 791)'],
  ['169.254.0.0/16', 'a link-local address (RFC 3927)'],
  ['192.0.0.0/24', 'an address of IETF protocols (RFC 6890)'],
  ['192.0.2.0/24', 'an address of documentation (RFC 5737)'],
  ['198.51.100.0/24', 'an address of documentation (RFC 5737)'],
  ['203.0.113.0/24', 'an address of documentation (RFC 5737)'],
  ['240.0.0.0/4', 'a reserved address (RFC 1112)'],
  ['::/96', 'an IPv4-compatible address (RFC 4291)'],
  ['::ffff:0:0:0/96', 'an IPv4-translated address (RFC 2765)'],
  ['64:ff9b:1::/48', 'an address of local translation to IPv4 (RFC 8215)'],
  ['100::/64', 'a discard-only address (RFC 6666)'],
  ['100:0:0:1::/64', 'a dummy address (RFC 9780)'],
  ['2001::/23', 'an address of IETF protocols (RFC 2928)'],
  ['2001:db8::/32', 'an address of documentation (RFC 3849)'],
  ['3fff::/20', 'an address of documentation (RFC 9637)'],
  ['fe80::/10', 'a link-local address (RFC 4291)'],
];

/** Where IPv6 holds an IPv4 address that a gateway sends to: its first byte. */
const CARRIERS: readonly (readonly [block: string, at: number])[] = [
  ['64:ff9b::/96', 12],
  ['2002::/16', 2],
];

const rangeOf = (block: string): AddressRange => {
  const range = parseAddressRange(block);
  if (range === undefined) throw new Error(`${block} is no block of addresses`);
  return range;
};

const REFUSED_RANGES = REFUSED.map(([block, name]) => ({range: rangeOf(block), block, name}));
const CARRIER_RANGES = CARRIERS.map(([block, at]) => ({range: rangeOf(block), at}));

/** Says why a canonical address is no pod's, or undefined. */
export type AddressRule = (ip: string) => string | undefined;

/**
 * The rule for addresses that members report. `allowed` are ranges that somebody uses all the same. So is the block of
 * `own`, this pod's address: where it has such a one, the others have.
 */
export function createAddressRule(allowed: readonly AddressRange[], own: string | undefined): AddressRule {
  const ownOctets = own === undefined ? [] : octetsOf(own);
  const refused = REFUSED_RANGES.filter(
    ({range}) => range.bits === range.octets.length * 8 || !isWithin(range, ownOctets),
  );

  return ip => {
    const octets = octetsOf(ip);
    if (ip === '::1' || allowed.some(range => isWithin(range, octets))) return undefined;
    const found = refused.find(({range}) => isWithin(range, octets));
    if (found !== undefined) {
      return `${found.name}, which no pod has: name ${found.block} in KONTROL_MEMBER_RANGES if yours have`;
    }
    const carrier = CARRIER_RANGES.find(({range}) => isWithin(range, octets));
    if (carrier === undefined) return undefined;
    const carried = octets.slice(carrier.at, carrier.at + 4);
    if (isLoopback(carried.join('.'))) return 'a loopback address in a form of IPv6';
    const inside = refused.find(({range}) => isWithin(range, carried));
    return inside === undefined ? undefined : `${inside.name} in a form of IPv6`;
  };
}
