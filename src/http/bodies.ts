import type {Clock} from '../ports/clock.ts';
import {yieldToLoop} from '../ports/event-loop.ts';
import {createQueue, type Queue} from '../ports/queue.ts';

/** Who is being sent a body. */
export interface BodyReader {
  /** Closes its connection, and has the kernel forget what it holds for it. */
  destroy(): void;
}

/** The bodies of answers: made once for all who ask for the same, and bounded by what they hold while they are sent. */
export interface Bodies {
  /**
   * What `build` gives, as bytes. While it is being made, or is sent to somebody still, whoever asks for this key within
   * a second is given the same bytes. Undefined when there is none.
   */
  of(key: string, build: () => string | undefined | Promise<string | undefined>): Promise<Buffer | undefined>;
  /** A reader begins with a body; the returned function says that it is done with it. */
  hold(body: Buffer, reader: BodyReader): () => void;
}

/** So old a body may be that is given to one more reader. */
const FRESH_MS = 1000;

interface Latest {
  readonly startedMs: number;
  readonly body: Promise<Buffer | undefined>;
  readonly forget: () => void;
}

/** The kernel copies up to some 2.5 MiB of a body for each who reads none of it. */
const LARGE_BYTES = 256 << 10;

/** So many may be sent a large one at the same time. */
const MAX_LARGE = 32;

/** Each of those that wait for their turn is one of its own. */
const nobody = (): BodyReader => ({destroy() {}});

type Build = Parameters<Bodies['of']>[1];

interface BodiesState {
  readonly clock: Clock;
  readonly maxBytes: number;
  /** The oldest first. */
  readonly held: Map<Buffer, {readonly readers: Set<BodyReader>; readonly onDropped: () => void}>;
  /** How much `held` is. */
  bytes: number;
  readonly latest: Map<string, Latest>;
  /** Those who are sent a large body, the oldest first. */
  readonly ofLarge: Set<BodyReader>;
  readonly turns: Queue;
}

/**
 * All bodies that are being sent have `maxBytes` together, each counted once however many read it: one too many ends the
 * readers of the oldest. One reader too many of large ones ends the oldest, since the kernel holds a part of it for each.
 * Each body is made, and given to each reader, in a turn of the event loop of its own: probes are answered in between.
 */
export function createBodies({clock, maxBytes}: {readonly clock: Clock; readonly maxBytes: number}): Bodies {
  const state: BodiesState = {
    clock,
    maxBytes,
    held: new Map(),
    bytes: 0,
    latest: new Map(),
    ofLarge: new Set(),
    turns: createQueue(),
  };
  return {
    of: (key, build) => bodyOf(state, key, build),
    hold: (body, reader) => hold(state, body, reader),
  };
}

async function bodyOf(state: BodiesState, key: string, build: Build): Promise<Buffer | undefined> {
  const {body: made, forget} = newestOf(state, key, build);
  const body = await made.catch(error => {
    forget();
    throw error;
  });
  if (body === undefined) {
    forget();
    return undefined;
  }
  const release = keep(state, body, nobody(), forget);
  await ownTurn(state);
  // The caller holds it now, before anything else is done.
  void yieldToLoop().then(release);
  return body;
}

function newestOf(state: BodiesState, key: string, build: Build): Latest {
  const {clock, latest} = state;
  const known = latest.get(key);
  if (known !== undefined && clock.nowMs() - known.startedMs < FRESH_MS) return known;
  const made: Latest = {
    startedMs: clock.nowMs(),
    body: make(state, build),
    forget() {
      if (latest.get(key) === made) latest.delete(key);
    },
  };
  latest.set(key, made);
  return made;
}

async function make(state: BodiesState, build: Build): Promise<Buffer | undefined> {
  await ownTurn(state);
  const text = await build();
  return text === undefined ? undefined : Buffer.from(text);
}

const ownTurn = ({turns}: BodiesState): Promise<void> => turns.add(yieldToLoop);

function hold(state: BodiesState, body: Buffer, reader: BodyReader): () => void {
  const {ofLarge} = state;
  const release = keep(state, body, reader);
  if (body.length >= LARGE_BYTES) ofLarge.add(reader);
  const [oldest] = ofLarge;
  if (oldest !== undefined && ofLarge.size > MAX_LARGE) {
    ofLarge.delete(oldest);
    oldest.destroy();
  }
  return () => {
    ofLarge.delete(reader);
    release();
  };
}

/** Counts a body among what is held, and ends the readers of the oldest where that is too much. */
function keep(state: BodiesState, body: Buffer, reader: BodyReader, onDropped = () => {}): () => void {
  const {held, maxBytes} = state;
  const known = held.get(body);
  const {readers} = known ?? {readers: new Set<BodyReader>()};
  readers.add(reader);
  if (known === undefined) {
    held.set(body, {readers, onDropped});
    state.bytes += body.length;
  }
  for (const oldest of held.keys()) {
    if (state.bytes <= maxBytes || oldest === body) break;
    for (const slow of drop(state, oldest)) slow.destroy();
  }
  return () => {
    readers.delete(reader);
    if (readers.size === 0 && held.get(body)?.readers === readers) drop(state, body);
  };
}

/** Holds a body no longer; returns whom it is still being sent to. */
function drop(state: BodiesState, body: Buffer): readonly BodyReader[] {
  const dropped = state.held.get(body);
  if (dropped === undefined) return [];
  state.held.delete(body);
  state.bytes -= body.length;
  dropped.onDropped();
  return [...dropped.readers];
}
