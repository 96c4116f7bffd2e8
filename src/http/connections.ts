import type {Server, Socket} from 'node:net';

/**
 * Keeps a server at `max` connections. One more is let in all the same, so that probes are answered: whoever has the most
 * of them loses its oldest.
 */
export function boundConnections(server: Pick<Server, 'on'>, max: number): void {
  /** By the address they come from, the oldest first. */
  const bySource = new Map<string, Set<Socket>>();
  let count = 0;

  server.on('connection', (socket: Socket) => {
    const source = socket.remoteAddress ?? '';
    const own = bySource.get(source) ?? new Set();
    bySource.set(source, own.add(socket));
    count += 1;
    socket.once('close', () => {
      own.delete(socket);
      if (own.size === 0) bySource.delete(source);
      count -= 1;
    });
    if (count > max) oldestOf([...bySource.values()])?.destroy();
  });
}

/** Of those who have the most. One that is being cut is not closed yet: the next one goes. */
function oldestOf(sources: readonly ReadonlySet<Socket>[]): Socket | undefined {
  const most = sources.reduce((one, other) => (other.size > one.size ? other : one), new Set<Socket>());
  return [...most].find(({destroyed}) => !destroyed);
}
