import type {AddressInfo} from 'node:net';
import type {FastifyInstance} from 'fastify';
import {DaemonError, reasonOf, systemCodeOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {boundConnections} from './connections.ts';

/** Holds a burst of slaves until they are accepted; the kernel lowers it to `net.core.somaxconn`. */
const BACKLOG = 4096;

/** Requests in hand get this long to end when the port closes. */
const CLOSE_LIMIT_MS = 1000;

/** A machine without IPv6 says one of these when asked for `::`. */
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use; stop the process that listens there (ss -ltnp names it) or set another port',
  EACCES: 'permission denied; set a port above 1023 or grant CAP_NET_BIND_SERVICE',
};

export interface Listening {
  /** The port that was bound, also when any free one was asked for. */
  readonly port: number;
  /** `::` for both families, `0.0.0.0` on a machine without IPv6. */
  readonly address: string;
  /** Stops accepting, closes idle connections at once and the others after a second. Never rejects. */
  close(): Promise<void>;
}

/**
 * Binds a fastify app to a TCP port on all addresses of both families. `label` says in errors which port it is;
 * port 0 takes any free one. Rejects with DaemonError LISTEN, whose message says what to do.
 */
export async function listen(
  app: Pick<FastifyInstance, 'listen' | 'server' | 'close'>,
  {
    port,
    label,
    clock,
    maxConnections,
  }: {
    readonly port: number;
    readonly label: string;
    readonly clock: Clock;
    /** At once. */
    readonly maxConnections: number;
  },
): Promise<Listening> {
  boundConnections(app.server, maxConnections);
  const bind = (host: string) => app.listen({port, host, backlog: BACKLOG, ipv6Only: false});
  try {
    await bind('::').catch((error: unknown) => {
      if (NO_IPV6.has(systemCodeOf(error) ?? '')) return bind('0.0.0.0');
      throw error;
    });
  } catch (error) {
    const reason = ADVICE[systemCodeOf(error) ?? ''] ?? reasonOf(error);
    throw new DaemonError('LISTEN', `cannot listen on port ${port} (${label}): ${reason}`, {cause: error});
  }
  const bound = app.server.address() as AddressInfo;
  return {
    port: bound.port,
    address: bound.address,
    async close() {
      const cancel = clock.after(CLOSE_LIMIT_MS, () => app.server.closeAllConnections());
      try {
        await app.close();
      } finally {
        cancel();
      }
    },
  };
}
