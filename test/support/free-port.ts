import {once} from 'node:events';
import {createServer} from 'node:net';
import {systemCodeOf} from '../../src/errors.ts';

/** Below the kernel's usual range for outgoing connections, so that none of those takes the port meanwhile. */
const LOWEST_PORT = 15_000;
const PORTS = 15_000;

/** A TCP port that is free for IPv4 and IPv6 at this moment, found at random: suites run beside each other. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    const server = createServer();
    try {
      server.listen(port, '::');
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
      return port;
    } catch (error) {
      if (systemCodeOf(error) !== 'EADDRINUSE') throw error;
    }
  }
}
