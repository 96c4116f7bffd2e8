import type {Server, Socket} from 'node:net';

export interface Divert {
  /** What a connection begins with that is not for the server itself. */
  readonly firstByte: number;
  /** Takes such a connection over, paused, with all that came over it still to be read. */
  take(socket: Socket): void;
  /** Who says nothing for so long is cut. */
  readonly silentMs: number;
}

/**
 * Gives the connections of a server that begin with a certain byte to somebody else; it serves all others as before.
 * The returned function cuts those that have not begun yet.
 */
export function divert(server: Server, {firstByte, take, silentMs}: Divert): () => void {
  const serve = server.listeners('connection') as ((socket: Socket) => void)[];
  const waiting = new Set<Socket>();
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const cut = () => socket.destroy();
    const leave = () => waiting.delete(socket);
    const ignore = () => {};
    waiting.add(socket);
    socket.setTimeout(silentMs);
    socket.once('timeout', cut).once('end', cut).once('error', ignore).once('close', leave);
    socket.once('data', (bytes: Buffer) => {
      leave();
      socket.setTimeout(0);
      socket.off('timeout', cut).off('end', cut).off('error', ignore).off('close', leave);
      socket.pause();
      socket.unshift(bytes);
      if (bytes[0] === firstByte) return take(socket);
      for (const each of serve) each.call(server, socket);
      socket.resume();
    });
  });
  return () => {
    for (const socket of waiting) socket.destroy();
  };
}
