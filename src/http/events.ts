import type {FastifyInstance, FastifyReply, FastifyRequest} from 'fastify';
import type {Clock} from '../ports/clock.ts';

/** One server-sent event: a name and JSON. */
export interface LiveEvent {
  readonly name: string;
  readonly value: unknown;
}

/** Server-sent events (WHATWG HTML 9.2) to whoever listens. */
export interface EventStream {
  publish(event: LiveEvent): void;
  readonly listeners: number;
  /** Adds `GET path`; a new listener gets `greeting()` first. */
  serve(app: FastifyInstance, path: string, greeting: () => readonly LiveEvent[]): void;
  close(): void;
}

/** More listeners than people: the next one is told to come back later. */
const MAX_LISTENERS = 64;

/** A listener that reads slower than we write is cut off; browsers come back by themselves and start anew. */
const MAX_UNREAD_BYTES = 8 << 20;

/** Keeps proxies in between from thinking that nobody is there. */
const HEARTBEAT_MS = 15_000;

const RETRY_MS = 2000;

const encode = ({name, value}: LiveEvent): string => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;

export function createEventStream(clock: Clock): EventStream {
  const replies = new Set<FastifyReply['raw']>();
  let cancelBeat = () => {};

  const send = (text: string): void => {
    for (const raw of replies) {
      if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy();
      else raw.write(text);
    }
  };

  const beat = (): void => {
    send(': still here\n\n');
    cancelBeat = clock.after(HEARTBEAT_MS, beat);
  };
  cancelBeat = clock.after(HEARTBEAT_MS, beat);

  const listen = (request: FastifyRequest, reply: FastifyReply, greeting: readonly LiveEvent[]): void => {
    reply.hijack();
    const {raw} = reply;
    raw.on('error', () => raw.destroy()).once('close', () => replies.delete(raw));
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    if (request.method === 'HEAD') {
      raw.end();
      return;
    }
    raw.write(`retry: ${RETRY_MS}\n\n${greeting.map(encode).join('')}`);
    replies.add(raw);
  };

  return {
    publish: event => send(replies.size === 0 ? '' : encode(event)),
    get listeners() {
      return replies.size;
    },
    serve(app, path, greeting) {
      app.get(path, (request, reply) => {
        if (replies.size < MAX_LISTENERS) return listen(request, reply, greeting());
        const reason = `${MAX_LISTENERS} listeners are the most there may be`;
        return reply.code(503).header('retry-after', '10').send({error: 'too many listeners', reason});
      });
    },
    close() {
      cancelBeat();
      for (const raw of replies) raw.end();
    },
  };
}
