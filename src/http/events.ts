import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import type {Clock} from '../ports/clock.ts';
import type {Bodies} from './bodies.ts';
import {readerOf} from './bounded-answers.ts';

/** One server-sent event: a name and JSON. */
export interface LiveEvent {
  readonly name: string;
  readonly value: unknown;
}

/** Server-sent events (WHATWG HTML 9.2) to whoever listens. */
export interface EventStream {
  publish(event: LiveEvent): void;
  readonly listeners: number;
  /** Adds `GET path`; a new listener gets `greeting()` first. What nobody has read yet counts among `bodies`. */
  serve(app: FastifyInstance, path: string, greeting: () => readonly LiveEvent[], bodies: Pick<Bodies, 'hold'>): void;
  close(): void;
}

/** More listeners than people: the next one is told to come back later. */
const MAX_LISTENERS = 64;

/** A listener that reads slower than we write is cut off; browsers come back by themselves and start anew. */
const MAX_UNREAD_BYTES = 8 << 20;

/** Keeps proxies in between from thinking that nobody is there. */
const HEARTBEAT_MS = 15_000;

const RETRY_MS = 2000;

/** Listeners who come at once get the same greeting, unless something was published since. */
const FRESH_MS = 1000;

const encode = ({name, value}: LiveEvent): string => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;

export function createEventStream(clock: Clock): EventStream {
  const listeners = new Map<FastifyReply['raw'], (bytes: Buffer) => void>();
  let welcome: {readonly madeMs: number; readonly bytes: Buffer} | undefined;
  let cancelBeat = () => {};

  const send = (text: string): void => {
    const bytes = Buffer.from(text);
    for (const [raw, write] of listeners) {
      if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy();
      else write(bytes);
    }
  };

  const beat = (): void => {
    send(': still here\n\n');
    cancelBeat = clock.after(HEARTBEAT_MS, beat);
  };
  cancelBeat = clock.after(HEARTBEAT_MS, beat);

  const listen = (
    request: FastifyRequest,
    reply: FastifyReply,
    greeting: Buffer,
    bodies: Pick<Bodies, 'hold'>,
  ): void => {
    reply.hijack();
    const {raw} = reply;
    const unread = new Set<() => void>();
    const reader = readerOf(raw);
    raw
      .on('error', () => raw.destroy())
      .once('close', () => {
        listeners.delete(raw);
        for (const release of unread) release();
      });
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    if (request.method === 'HEAD') {
      raw.end();
      return;
    }
    const write = (bytes: Buffer): void => {
      const release = bodies.hold(bytes, reader);
      unread.add(release);
      raw.write(bytes, () => {
        unread.delete(release);
        release();
      });
    };
    write(greeting);
    listeners.set(raw, write);
  };

  const greet = (greeting: () => readonly LiveEvent[]): Buffer => {
    const nowMs = clock.nowMs();
    if (welcome === undefined || listeners.size === 0 || nowMs - welcome.madeMs >= FRESH_MS) {
      welcome = {madeMs: nowMs, bytes: Buffer.from(`retry: ${RETRY_MS}\n\n${greeting().map(encode).join('')}`)};
    }
    return welcome.bytes;
  };

  return {
    publish(event) {
      welcome = undefined;
      if (listeners.size > 0) send(encode(event));
    },
    get listeners() {
      return listeners.size;
    },
    serve(app, path, greeting, bodies) {
      app.get(path, (request, reply) => {
        if (listeners.size < MAX_LISTENERS) return listen(request, reply, greet(greeting), bodies);
        const reason = `${MAX_LISTENERS} listeners are the most there may be`;
        return reply.code(503).header('retry-after', '10').send({error: 'too many listeners', reason});
      });
    },
    close() {
      cancelBeat();
      for (const raw of listeners.keys()) raw.end();
    },
  };
}
