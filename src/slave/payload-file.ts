import {open} from 'node:fs/promises';
import {isSystemFault, reasonOf, systemCodeOf} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {NO_PAYLOAD, PAYLOAD_LIMIT_BYTES, type ParsedPayload, parsePayloadText} from './payload.ts';

/** How late a change of the file is noticed. */
const POLL_EVERY_MS = 1000;

/** The payload file as it is followed. */
export interface PayloadFile {
  /** The last good payload as JSON; `""` while there was none. */
  text(): string;
  /** Calls `onChange` whenever `text` became another one; the returned function ends that. */
  follow(onChange: () => void): () => void;
  close(): void;
}

/** Reads the first `limitBytes` of a file; undefined when there is none. */
export type ReadStart = (path: string, limitBytes: number) => Promise<string | undefined>;

export const readStart: ReadStart = async (path, limitBytes) => {
  try {
    await using file = await open(path, 'r');
    const {buffer, bytesRead} = await file.read(Buffer.alloc(limitBytes), 0, limitBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
};

/**
 * Reads a payload file (`KONTROL_PAYLOAD`) and looks at it again every second, so a rename over it is noticed like a
 * write. What cannot be read, parsed or sent leaves the last good one, with one warning until it is good again.
 */
export async function openPayload({
  path,
  read = readStart,
  clock,
  log,
}: {
  readonly path: string;
  readonly read?: ReadStart;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<PayloadFile> {
  let payload = NO_PAYLOAD;
  let seenText: string | undefined;
  let faulty = false;
  let closed = false;
  let cancelPoll = () => {};
  const followers = new Set<() => void>();

  const take = (parsed: ParsedPayload): void => {
    if (parsed.is === 'fault') {
      if (!faulty) log.warn({path, reason: parsed.reason}, 'payload file ignored');
      faulty = true;
      return;
    }
    if (faulty) log.info({path}, 'payload file good again');
    faulty = false;
    if (parsed.text === payload) return;
    payload = parsed.text;
    for (const onChange of followers) onChange();
  };

  const look = async (): Promise<void> => {
    const text = await read(path, PAYLOAD_LIMIT_BYTES + 1).catch((error: unknown) => {
      if (!isSystemFault(error)) throw error;
      return {fault: reasonOf(error)};
    });
    if (typeof text === 'object') return take({is: 'fault', reason: text.fault});
    if (closed || (text === seenText && !faulty)) return;
    seenText = text;
    take(parsePayloadText(text));
  };

  const poll = async (): Promise<void> => {
    await look();
    if (!closed) cancelPoll = clock.after(POLL_EVERY_MS, () => void poll());
  };

  await poll();
  return {
    text: () => payload,
    follow(onChange) {
      followers.add(onChange);
      return () => followers.delete(onChange);
    },
    close() {
      closed = true;
      cancelPoll();
    },
  };
}
