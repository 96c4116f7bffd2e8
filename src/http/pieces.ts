import type {Server, Socket} from 'node:net';

/** A request as browsers and slaves send one, or two; of the shortest ones there are, 56. */
const PIECE_BYTES = 1024;

/**
 * Has an HTTP server take what a connection sends in pieces, with everything else that is due in between. Node's parser
 * alone reads all that has come (64 KiB) before it looks at anybody else, also where the first request of it had the
 * connection cut. Called when the server has its own listener for connections, and nobody else has one yet.
 */
export function readInPieces(server: Pick<Server, 'on'>): void {
  server.on('connection', (socket: Socket) => {
    const [parse] = socket.listeners('data') as ((bytes: Buffer) => void)[];
    if (parse === undefined) return;
    let isOthersTurn = false;
    let isHeldUp = false;
    const putBack = (bytes: Buffer): void => {
      socket.pause();
      socket.unshift(bytes);
    };
    socket.off('data', parse);
    socket.on('data', (bytes: Buffer) => {
      if (isOthersTurn) {
        // Whoever reads a body, or has sent an answer, has resumed it: this comes when it is its turn.
        isHeldUp = false;
        putBack(bytes);
        return;
      }
      parse(bytes.subarray(0, PIECE_BYTES));
      if (bytes.length <= PIECE_BYTES || socket.destroyed) return;
      // A parser that has paused it must not be fed before it resumes it itself.
      isHeldUp = socket.isPaused();
      isOthersTurn = true;
      putBack(bytes.subarray(PIECE_BYTES));
      setImmediate(() => {
        isOthersTurn = false;
        if (!isHeldUp) socket.resume();
      });
    });
  });
}
