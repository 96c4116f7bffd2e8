import type {IncomingMessage, RequestListener, ServerResponse} from 'node:http';
import type {Socket} from 'node:net';
import type {FastifyInstance} from 'fastify';
import type {Clock} from '../ports/clock.ts';
import {type Bodies, type BodyReader, createBodies} from './bodies.ts';

/** What answers may hold that nobody has read: three times the largest there is by default, the members with their payloads. */
const MAX_UNREAD_BYTES = 48 << 20;

/** Who reads slower than this reads nothing: 16 MiB at 2 Mbit/s. */
const SEND_LIMIT_MS = 60_000;

/** What a client has to read an answer that came before it had sent its whole request. */
const UNSENT_LIMIT_MS = 1000;

/** A client that asks on before it has its answers does not mean to read them. */
const MAX_PENDING = 16;

/**
 * Bounds what the answers of a port hold while clients don't read them: all together, each by time, and as many as one
 * connection may wait for. Of a request that was answered before it was whole nothing more is read.
 * What it returns makes the large ones once for all who ask for them.
 */
export function boundAnswers(app: FastifyInstance, clock: Clock): Bodies {
  const bodies = createBodies({clock, maxBytes: MAX_UNREAD_BYTES});
  const pending = new WeakMap<object, number>();
  leaveCut(app.server);

  app.addHook('onRequest', (request, reply, done) => {
    const {socket} = request.raw;
    const count = (pending.get(socket) ?? 0) + 1;
    pending.set(socket, count);
    reply.raw.once('close', () => pending.set(socket, (pending.get(socket) ?? 1) - 1));
    reply.raw.once('finish', () => leaveUnsent(request.raw, clock));
    if (count > MAX_PENDING) socket.destroy();
    else done();
  });

  app.addHook('onSend', (_request, {raw}, payload, done) => {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return done();
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const reader = readerOf(raw);
    const release = bodies.hold(body, reader);
    const cancel = clock.after(SEND_LIMIT_MS, reader.destroy);
    raw.once('close', () => {
      cancel();
      release();
    });
    done(null, body);
  });
  return bodies;
}

/** What a connection had sent when it was cut is parsed to its end all the same: nobody looks at those requests any more. */
function leaveCut(server: FastifyInstance['server']): void {
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (request.socket.destroyed) return;
    for (const listener of listeners) listener.call(server, request, response);
  });
}

/**
 * Node would read the rest of a request that is answered already, such as one without the token, for as long as it comes.
 * A client that was cut at once might lose the answer.
 * The server must read in pieces: else its connections have no listener to take away.
 */
function leaveUnsent({complete, socket}: IncomingMessage, clock: Clock): void {
  if (complete) return;
  socket.removeAllListeners('data');
  socket.once(
    'close',
    clock.after(UNSENT_LIMIT_MS, () => socket.destroy()),
  );
}

/** Whoever is sent an answer. A connection that was only closed would keep what the kernel has not sent. */
export const readerOf = (raw: ServerResponse): BodyReader => ({
  destroy() {
    const {socket} = raw;
    if (socket === null) raw.destroy();
    else if (isShutting(socket)) socket.destroy();
    else socket.resetAndDestroy();
  },
});

/** Such a connection cannot be reset: Node would keep it open, and never end. */
const isShutting = ({writableEnded, writableLength, writableFinished}: Socket): boolean =>
  writableEnded && writableLength === 0 && !writableFinished;
