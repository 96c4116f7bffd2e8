import {isIPv4} from 'node:net';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function encodeBase62(number: bigint): string {
  let text = '';
  let rest = number;
  do {
    text = DIGITS.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  } while (rest > 0n);
  return text;
}

const ipv4Number = (ip: string): bigint =>
  BigInt(ip.split('.').reduce((number, octet) => number * 256 + Number(octet), 0));

function ipv6Number(ip: string): bigint {
  const [head = [], tail = []] = ip.split('::').map(half => (half === '' ? [] : half.split(':')));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return BigInt(`0x${[...head, ...zeros, ...tail].map(group => group.padStart(4, '0')).join('')}`);
}

/**
 * The `key` of a keepalive: a canonical address as a base-62 number, digits before lower before upper case.
 * 10.2.0.17 is `bmviV`; an IPv6 address takes up to 22 digits. Source: docs/contract-2017.md#keepalive.
 */
export const deriveKey = (ip: string): string => encodeBase62(isIPv4(ip) ? ipv4Number(ip) : ipv6Number(ip));
