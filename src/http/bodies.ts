import type {Clock} from '../ports/clock.ts';
import {yieldToLoop} from '../ports/event-loop.ts';

/** Who is being sent a body. */
export interface Reader {
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
  hold(body: Buffer, reader: Reader): () => void;
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
const nobody = (): Reader => ({destroy() {}});

/**
 * All bodies that are being sent have `maxBytes` together, each counted once however many read it: one too many ends the
 * readers of the oldest. One reader too many of large ones ends the oldest, since the kernel holds a part of it for each.
 * Each body is made, and given to each reader, in a turn of the event loop of its own: probes are answered in between.
 */
export function createBodies({clock, maxBytes}: {readonly clock: Clock; readonly maxBytes: number}): Bodies {
  /** The oldest first. */
  const held = new Map<Buffer, {readonly readers: Set<Reader>; readonly onDropped: () => void}>();
  const latest = new Map<string, Latest>();
  /** Those who are sent a large body, the oldest first. */
  const ofLarge = new Set<Reader>();
  let bytes = 0;
  let turn = Promise.resolve();

  const drop = (body: Buffer): readonly Reader[] => {
    const dropped = held.get(body);
    if (dropped === undefined) return [];
    held.delete(body);
    bytes -= body.length;
    dropped.onDropped();
    return [...dropped.readers];
  };

  const keep = (body: Buffer, reader: Reader, onDropped = () => {}): (() => void) => {
    const known = held.get(body);
    const {readers} = known ?? {readers: new Set<Reader>()};
    readers.add(reader);
    if (known === undefined) {
      held.set(body, {readers, onDropped});
      bytes += body.length;
    }
    for (const oldest of held.keys()) {
      if (bytes <= maxBytes || oldest === body) break;
      for (const slow of drop(oldest)) slow.destroy();
    }
    return () => {
      readers.delete(reader);
      if (readers.size === 0 && held.get(body)?.readers === readers) drop(body);
    };
  };

  const hold: Bodies['hold'] = (body, reader) => {
    const release = keep(body, reader);
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
  };

  const ownTurn = (): Promise<void> => {
    turn = turn.then(yieldToLoop);
    return turn;
  };

  const make = async (build: Parameters<Bodies['of']>[1]): Promise<Buffer | undefined> => {
    await ownTurn();
    const text = await build();
    return text === undefined ? undefined : Buffer.from(text);
  };

  /** The newest of a key. */
  const making = (key: string, build: Parameters<Bodies['of']>[1]): Latest => {
    const known = latest.get(key);
    if (known !== undefined && clock.nowMs() - known.startedMs < FRESH_MS) return known;
    const made: Latest = {
      startedMs: clock.nowMs(),
      body: make(build),
      forget() {
        if (latest.get(key) === made) latest.delete(key);
      },
    };
    latest.set(key, made);
    return made;
  };

  return {
    hold,
    async of(key, build) {
      const {body: made, forget} = making(key, build);
      const body = await made.catch(error => {
        forget();
        throw error;
      });
      if (body === undefined) {
        forget();
        return undefined;
      }
      const release = keep(body, nobody(), forget);
      await ownTurn();
      // The caller holds it now, before anything else is done.
      void yieldToLoop().then(release);
      return body;
    },
  };
}
