import {once} from 'node:events';
import {createServer, type Server} from 'node:net';
import {systemCodeOf} from '../../src/errors.ts';

/** Below the kernel's usual range for outgoing connections, so that none of those takes a port meanwhile. */
const LOWEST_PORT = 15_000;
const BLOCKS = 150;
const BLOCK_PORTS = 100;

const left: number[] = [];

/**
 * A TCP port that is free for IPv4 and IPv6 at this moment, and that no other test gets while this process lives:
 * suites run beside each other, and a HAProxy that was killed leaves its port free for a while.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = left.shift();
    if (port === undefined) left.push(...(await takeBlock()));
    else if (await canListen({port, host: '::'})) return port;
  }
}

/** Ports of a block that is this process's until it ends: the kernel keeps the block's name while it lives. */
async function takeBlock(): Promise<readonly number[]> {
  for (;;) {
    const block = Math.floor(Math.random() * BLOCKS);
    const server = await listenOn({path: `\0kontrol-test-ports-${block}`});
    server?.unref();
    if (server !== undefined)
      return Array.from({length: BLOCK_PORTS}, (_, index) => LOWEST_PORT + block * BLOCK_PORTS + index);
  }
}

async function canListen(where: {port: number; host: string}): Promise<boolean> {
  const server = await listenOn(where);
  if (server === undefined) return false;
  server.close();
  await once(server, 'close');
  return true;
}

/** Undefined when somebody else listens there. */
async function listenOn(where: {port: number; host: string} | {path: string}): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(where);
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (systemCodeOf(error) !== 'EADDRINUSE') throw error;
    return undefined;
  }
}
