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
    /** `held-up`: by the parser, which has paused the connection and must not be fed before it resumes it itself. */
    let turn: 'its' | 'of-others' | 'held-up' = 'its';
    const putBack = (bytes: Buffer): void => {
      socket.pause();
      socket.unshift(bytes);
    };
    socket.off('data', parse);
    socket.on('data', (bytes: Buffer) => {
      if (turn !== 'its') {
        // Whoever reads a body, or has sent an answer, has resumed it: this comes when it is its turn.
        turn = 'of-others';
        putBack(bytes);
        return;
      }
      parse(bytes.subarray(0, PIECE_BYTES));
      if (bytes.length <= PIECE_BYTES || socket.destroyed) return;
      turn = socket.isPaused() ? 'held-up' : 'of-others';
      putBack(bytes.subarray(PIECE_BYTES));
      setImmediate(() => {
        if (turn === 'of-others') socket.resume();
        turn = 'its';
      });
    });
  });
}
