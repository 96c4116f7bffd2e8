import {once} from 'node:events';
import {type AddressInfo, connect, createServer, type Socket} from 'node:net';

/** A way to a server on loopback that can be cut: while it is shut, nothing passes and nobody is told. */
export interface Door extends AsyncDisposable {
  readonly port: number;
  shut(): void;
  /** New connections pass again; those that were there stay dead. */
  open(): void;
}

/** Opens a door to `targetPort` on a free port of loopback. */
export async function openDoor(targetPort: number): Promise<Door> {
  let isShut = false;
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    const track = (one: Socket) => {
      sockets.add(one);
      one.once('close', () => sockets.delete(one)).on('error', () => {});
    };
    track(socket);
    if (isShut) {
      socket.pause();
      return;
    }
    const target = connect(targetPort, '127.0.0.1');
    track(target);
    socket.pipe(target).pipe(socket);
    socket.once('close', () => target.destroy());
    target.once('close', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    shut() {
      isShut = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    open() {
      isShut = false;
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
