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

/** Keeps proxies in between, and who listens, from thinking that nobody is there. */
const HEARTBEAT_MS = 5000;

const RETRY_MS = 2000;

/** Listeners who come at once get the same greeting, unless something was published since. */
const FRESH_MS = 1000;

type Write = (bytes: Buffer) => void;

interface StreamState {
  readonly clock: Clock;
  readonly listeners: Map<FastifyReply['raw'], Write>;
  welcome: {readonly madeMs: number; readonly bytes: Buffer} | undefined;
  cancelBeat: () => void;
}

const encode = ({name, value}: LiveEvent): string => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;

export function createEventStream(clock: Clock): EventStream {
  const state: StreamState = {clock, listeners: new Map(), welcome: undefined, cancelBeat: () => {}};
  const {listeners} = state;
  beatLater(state);
  return {
    publish(event) {
      state.welcome = undefined;
      if (listeners.size > 0) send(state, encode(event));
    },
    get listeners() {
      return listeners.size;
    },
    serve(app, path, greeting, bodies) {
      app.get(path, (request, reply) => {
        if (listeners.size >= MAX_LISTENERS) {
          const reason = `${MAX_LISTENERS} listeners are the most there may be`;
          return reply.code(503).header('retry-after', '10').send({error: 'too many listeners', reason});
        }
        return listen(state, request, reply, {first: greet(state, greeting), bodies});
      });
    },
    close() {
      state.cancelBeat();
      for (const raw of listeners.keys()) raw.end();
    },
  };
}

function beatLater(state: StreamState): void {
  state.cancelBeat = state.clock.after(HEARTBEAT_MS, () => {
    send(state, encode({name: 'beat', value: {}}));
    beatLater(state);
  });
}

function send({listeners}: StreamState, text: string): void {
  const bytes = Buffer.from(text);
  for (const [raw, write] of listeners) {
    if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy();
    else write(bytes);
  }
}

/** What a new listener is sent first. */
function greet(state: StreamState, greeting: () => readonly LiveEvent[]): Buffer {
  const {clock, listeners, welcome} = state;
  const nowMs = clock.nowMs();
  if (welcome !== undefined && listeners.size > 0 && nowMs - welcome.madeMs < FRESH_MS) return welcome.bytes;
  const bytes = Buffer.from(`retry: ${RETRY_MS}\n\n${greeting().map(encode).join('')}`);
  state.welcome = {madeMs: nowMs, bytes};
  return bytes;
}

function listen(
  {listeners}: StreamState,
  request: FastifyRequest,
  reply: FastifyReply,
  {first, bodies}: {readonly first: Buffer; readonly bodies: Pick<Bodies, 'hold'>},
): void {
  reply.hijack();
  const {raw} = reply;
  const {write, releaseAll} = createHeldWriter(raw, bodies);
  raw
    .on('error', () => raw.destroy())
    .once('close', () => {
      listeners.delete(raw);
      releaseAll();
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
  write(first);
  listeners.set(raw, write);
}

/** Writes what is held among the bodies until it was sent; `releaseAll` is for a connection that is gone. */
function createHeldWriter(raw: FastifyReply['raw'], bodies: Pick<Bodies, 'hold'>) {
  const unread = new Set<() => void>();
  const reader = readerOf(raw);
  const write: Write = bytes => {
    const release = bodies.hold(bytes, reader);
    unread.add(release);
    raw.write(bytes, () => {
      unread.delete(release);
      release();
    });
  };
  const releaseAll = (): void => {
    for (const release of unread) release();
  };
  return {write, releaseAll};
}
