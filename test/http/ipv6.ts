import {networkInterfaces} from 'node:os';

/** The `skip` option for tests that need an IPv6 loopback address. */
export const ipv6Missing: string | false = Object.values(networkInterfaces()).some(addresses =>
  addresses?.some(({address}) => address === '::1'),
)
  ? false
  : 'no IPv6 loopback';
