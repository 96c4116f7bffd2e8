import {isIP} from 'node:net';

/** `::ffff:10.2.0.17` as the URL serializer writes it; the IPv4 address sits in the last two groups. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * The one spelling of an IP literal: IPv4 as it is, IPv6 compressed and in lower case (RFC 5952), an IPv4-mapped
 * address as IPv4. Undefined for anything else: host names, zone ids, leading zeros, blanks.
 */
export function canonicalIp(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0 || text.includes('%')) return undefined;
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const mapped = MAPPED.exec(address);
  if (mapped === null) return address;
  return mapped
    .slice(1)
    .map(group => Number.parseInt(group, 16))
    .map(group => `${group >> 8}.${group & 255}`)
    .join('.');
}

/** Whether a canonical address is the host's own: 127.0.0.0/8 or `::1`. */
export const isLoopback = (ip: string): boolean => ip === '::1' || (ip.startsWith('127.') && isIP(ip) === 4);

/** Why a canonical address cannot be a pod's, or undefined: no connection can be opened to such a one. */
export function unreachableReason(ip: string): string | undefined {
  if (ip === '0.0.0.0' || ip === '::') return 'unspecified';
  if (ip === '255.255.255.255') return 'the broadcast address';
  if (/^(22[4-9]|23\d)\.|^ff[0-9a-f]{2}:/.test(ip)) return 'a multicast address';
  return undefined;
}
