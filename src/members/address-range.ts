import {canonicalIp} from './address.ts';

/** A block of addresses of one family: those whose first `bits` are the ones of `octets` (4 or 16 of them). */
export interface AddressRange {
  readonly octets: readonly number[];
  readonly bits: number;
}

/** The bytes of a canonical address, in network order. */
export function octetsOf(ip: string): readonly number[] {
  if (!ip.includes(':')) return ip.split('.').map(Number);
  const [head = [], tail = []] = ip.split('::').map(half => (half === '' ? [] : half.split(':')));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.map(group => Number.parseInt(group, 16)).flatMap(group => [group >> 8, group & 255]);
}

/** `10.0.0.0/8`, `fd00::/8`, or one address; undefined for anything else, bits beyond the prefix included. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, address = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const ip = canonicalIp(address);
  if (ip === undefined) return undefined;
  const octets = octetsOf(ip);
  const bits = length === undefined ? octets.length * 8 : Number(length);
  if (bits > octets.length * 8) return undefined;
  const isPrefix = octets.every((octet, index) => octet === (octet & maskAt(index, bits)));
  return isPrefix ? {octets, bits} : undefined;
}

/** Whether a range has an address, given by its bytes. */
export const isWithin = ({octets, bits}: AddressRange, address: readonly number[]): boolean =>
  address.length === octets.length &&
  octets.every((octet, index) => octet === ((address[index] ?? 0) & maskAt(index, bits)));

/** The bits of a byte that belong to a prefix. */
const maskAt = (index: number, bits: number): number => (0xff00 >> Math.min(8, Math.max(0, bits - 8 * index))) & 255;
