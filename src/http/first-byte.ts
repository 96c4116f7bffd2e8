import type {Server, Socket} from 'node:net';
import type {Clock} from '../ports/clock.ts';

const SWEEP_MS = 1000;

export interface Divert {
  /** What a connection begins with that is not for the server itself. */
  readonly firstByte: number;
  /** Takes such a connection over; what came over it so far is told once this returns. */
  take(socket: Socket): void;
  /** Who says nothing for so long is cut. */
  readonly silentMs: number;
  readonly clock: Clock;
}

/**
 * Gives the connections of a server that begin with a certain byte to somebody else; it serves all others as before.
 * The returned function cuts those that have not begun yet. Each ping of a slave is a connection: one costs little more.
 */
export function divert(server: Server, {firstByte, take, silentMs, clock}: Divert): () => void {
  const serve = server.listeners('connection') as ((socket: Socket) => void)[];
  /** Those that have said nothing, the longest silent first, and since when. */
  const silent = new Map<Socket, number>();
  let cancelSweep: (() => void) | undefined;

  const sweep = (): void => {
    const untilMs = clock.nowMs() - silentMs;
    for (const [socket, sinceMs] of silent) {
      if (sinceMs > untilMs) break;
      silent.delete(socket);
      socket.destroy();
    }
    cancelSweep = silent.size === 0 ? undefined : clock.after(SWEEP_MS, sweep);
  };

  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    silent.set(socket, clock.nowMs());
    cancelSweep ??= clock.after(SWEEP_MS, sweep);
    socket.on('error', ignore);
    socket.once('data', (bytes: Buffer) => {
      silent.delete(socket);
      if (bytes[0] === firstByte) take(socket);
      else for (const each of serve) each.call(server, socket);
      // To pause the socket, put them back and resume it would come to the same, and cost more.
      socket.emit('data', bytes);
    });
  });
  return () => {
    cancelSweep?.();
    for (const socket of silent.keys()) socket.destroy();
  };
}

/** A connection that breaks off is closed, and nobody waits for it. */
const ignore = (): void => {};
