import {decode, decodeMulti, encode} from '@msgpack/msgpack';

/**
 * One event of ZeroRPC, version 3 of its protocol: `[header, name, arguments]` in MessagePack. What clients of 2017
 * wrote as strings of bytes may be text or binary; ids go back as they came.
 */
export type Event =
  /** Calls `name`; answered under `id`. */
  | {readonly is: 'call'; readonly id: Id; readonly name: string; readonly args: readonly unknown[]}
  /** Belongs to a call that is under way on the other side, as a heart-beat does. */
  | {readonly is: 'reply'; readonly to: Id; readonly name: string}
  /** No event at all; `why` says what is wrong. */
  | {readonly is: 'fault'; readonly why: string};

export type Id = string | Uint8Array;

export const HEARTBEAT = '_zpc_hb';

/** The calls and replies of today have ids of 36 characters and less. */
const MAX_ID_BYTES = 256;
const MAX_ITEMS = 64;

/** How MessagePack begins a list of three. */
const THREE_ITEMS = 0x93;

/** More than any call of a slave has. `decode` does not recurse: depth is bounded by the size of the message. */
const LIMITS = {maxArrayLength: MAX_ITEMS, maxMapLength: MAX_ITEMS, maxExtLength: MAX_ITEMS};

const isId = (value: unknown): value is Id =>
  (typeof value === 'string' || value instanceof Uint8Array) && value.length > 0 && value.length <= MAX_ID_BYTES;

const fault = (why: string): Event => ({is: 'fault', why});

const textOf = (value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString() : value);

/** Reads the body of a message; never throws. */
export function readEvent(body: Uint8Array): Event {
  let value: unknown;
  try {
    // A key that is no text makes a header that has no id.
    value = decode(body, {...LIMITS, mapKeyConverter: key => String(textOf(key))});
  } catch (error) {
    return fault(`it is no MessagePack: ${(error as Error).message}`);
  }
  if (!Array.isArray(value) || value.length !== 3) return fault('it is not a header, a name and arguments');
  const [header, rawName, args] = value as readonly unknown[];
  const name = textOf(rawName);
  if (typeof header !== 'object' || header === null) return fault('its header is no map');
  if (typeof name !== 'string') return fault('its name is no text');
  const {message_id: id, response_to: to} = header as {readonly message_id?: unknown; readonly response_to?: unknown};
  if (isId(to)) return {is: 'reply', to, name};
  if (!isId(id)) return fault('its header has no message_id');
  if (!Array.isArray(args)) return fault('its arguments are no list');
  return {is: 'call', id, name, args};
}

/** The call that a message begins with, whose rest was not kept; undefined where it begins otherwise. */
export function readCallHead(head: Uint8Array): {readonly id: Id; readonly name: string} | undefined {
  if (head[0] !== THREE_ITEMS) return undefined;
  try {
    // Lazy: what breaks off behind these two is not looked at.
    const items = decodeMulti(head.subarray(1), {...LIMITS, mapKeyConverter: key => String(textOf(key))});
    const [header, name] = [items.next().value, textOf(items.next().value)];
    const {message_id: id} = (header ?? {}) as {readonly message_id?: unknown};
    return isId(id) && typeof name === 'string' ? {id, name} : undefined;
  } catch {
    return undefined;
  }
}

/** An event that belongs to the call `to`: its answer, or a heart-beat. */
export const writeReply = (to: Id, ownId: string, name: string, args: readonly unknown[]): Uint8Array =>
  encode([{response_to: to, message_id: ownId, v: 3}, name, args]);
