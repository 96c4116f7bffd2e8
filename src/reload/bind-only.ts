import * as net from 'node:net';
import {isIP} from 'node:net';
import {getSystemErrorName} from 'node:util';
import {reasonOf} from '../errors.ts';

/** A TCP socket to be bound: `v6only` is IPV6_V6ONLY and false for IPv4. */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
  readonly v6only: boolean;
}

/** A socket that is bound and does not listen; closing it frees the address once no HAProxy has it any more. */
export interface BoundSocket {
  readonly descriptor: number;
  close(): void;
}

/** Binds a socket with SO_REUSEPORT and does not listen. Throws when the address cannot be had, saying why. */
export type BindOnly = (address: SocketAddress) => BoundSocket;

/** libuv's flags for uv_tcp_bind(): IPV6_V6ONLY; SO_REUSEPORT, without which a left-over HAProxy would lock us out. */
const V6ONLY_FLAG = 1;
const REUSEPORT_FLAG = 2;

interface Handle {
  readonly fd: number;
  getsockname(out: {address?: string; port?: number}): number;
  close(): void;
}

type CreateHandle = (host: string, port: number, family: 4 | 6, fd: undefined, flags: number) => unknown;

/**
 * Node has no public way to bind without listening; this private one works in Node 20 to 24 and is used in this file
 * alone. What it returns for a port in use looks like success: only the socket's own name proves the bind.
 */
const createHandle = (net as unknown as {_createServerHandle?: CreateHandle})._createServerHandle;

const isHandle = (value: unknown): value is Handle =>
  typeof value === 'object' && value !== null && 'getsockname' in value && 'close' in value && 'fd' in value;

const codeText = (code: unknown): string =>
  typeof code === 'number' && code < 0 ? getSystemErrorName(code) : 'no such socket';

export const bindOnly: BindOnly = ({host, port, v6only}) => {
  const shown = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const fail = (reason: string) => new Error(`cannot bind ${shown}: ${reason}`);
  const flags = REUSEPORT_FLAG | (v6only ? V6ONLY_FLAG : 0);
  const handle = createHandle?.(host, port, isIP(host) === 6 ? 6 : 4, undefined, flags);
  if (!isHandle(handle)) throw fail(codeText(handle));
  const name: {address?: string; port?: number} = {};
  const code = handle.getsockname(name);
  if (code === 0 && name.port === port && handle.fd >= 0) {
    return {descriptor: handle.fd, close: () => handle.close()};
  }
  handle.close();
  throw fail(code === 0 ? `the kernel gave port ${name.port}` : codeText(code));
};

/** Below the kernel's usual range for outgoing connections. */
const PROBE_PORTS = {from: 20_000, count: 10_000, tries: 20};

/**
 * Whether this Node can do it: binds some free port of loopback twice. Undefined when it can, else the reason.
 * Nothing listens meanwhile.
 */
export function probeBindOnly(bind: BindOnly = bindOnly): string | undefined {
  if (createHandle === undefined) return 'this Node has no bind-only call';
  let reason = '';
  for (let tries = 0; tries < PROBE_PORTS.tries; tries += 1) {
    const port = PROBE_PORTS.from + Math.floor(Math.random() * PROBE_PORTS.count);
    const address = {host: '127.0.0.1', port, v6only: false};
    try {
      const first = bind(address);
      try {
        bind(address).close();
        return undefined;
      } finally {
        first.close();
      }
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  return reason;
}
