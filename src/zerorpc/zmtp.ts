/**
 * ZMTP 3.0 as a server speaks it to one peer (https://rfc.zeromq.org/spec/23/), mechanism NULL: bytes in, what they
 * mean out. It knows nothing of sockets, nor of what the messages say.
 */

/** No HTTP request begins with it. */
export const ZMTP_FIRST_BYTE = 0xff;

const GREETING_BYTES = 64;
const VERSION_AT = 10;
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;

const MORE = 1;
const LONG = 2;
const COMMAND = 4;
const RESERVED = ~(MORE | LONG | COMMAND);

/** A message beyond its bound and within this is read to its end and dropped, so that its sender can be told. */
const MAX_DROPPED_BYTES = 16 << 20;

/** Of such a message: what names the call. */
const HEAD_BYTES = 512;

/** Commands are READY and little else. */
const MAX_COMMAND_BYTES = 1024;

/** What a slave sends to a master: an empty frame, as a REQ socket would, and the call. */
const PARTS_OF_MESSAGE = 2;

/** The greeting of either side: this server takes no other version or mechanism than 3.0 and NULL. */
export const GREETING = Buffer.concat([
  Buffer.from([ZMTP_FIRST_BYTE, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0]),
  Buffer.from('NULL'.padEnd(MECHANISM_BYTES + 1 + 31, '\0')),
]);

/** The bytes are no ZMTP 3 of ours; the message says what is wrong with them. */
export class ZmtpFault extends Error {
  override readonly name = 'ZmtpFault';
}

function frame(flags: number, body: Uint8Array): Buffer {
  if (body.length < 256) return Buffer.concat([Buffer.from([flags, body.length]), body]);
  const header = Buffer.alloc(9);
  header[0] = flags | LONG;
  header.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([header, body]);
}

/** A property of READY: its name after a byte of length, its value after four. */
function property(name: string, value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), length, Buffer.from(value)]);
}

/** The command with which a peer says what its socket is. */
export const readyCommand = (socketType: 'ROUTER' | 'DEALER'): Buffer =>
  frame(
    COMMAND,
    Buffer.concat([Buffer.from('\x05READY'), property('Socket-Type', socketType), property('Identity', '')]),
  );

/** A message of one part behind the empty frame that a DEALER's peer expects. */
export const message = (body: Uint8Array): Buffer => Buffer.concat([frame(MORE, new Uint8Array()), frame(0, body)]);

/** What arrived: `ready` once, when the peer may be spoken to; then its messages. Of one that is too long, how it begins. */
export type ZmtpEvent =
  | {readonly is: 'ready'}
  | {readonly is: 'message'; readonly body: Buffer}
  | {readonly is: 'dropped'; readonly head: Buffer};

/** Takes the bytes of one peer as they come, in pieces of any size. */
export interface ZmtpReader {
  /** What the bytes complete, in order. Throws ZmtpFault; the peer can't be understood any more then. */
  feed(bytes: Buffer): Iterable<ZmtpEvent>;
  /** The handshake, or a message, was begun and not finished. */
  readonly isAmidst: boolean;
}

/** What the next bytes of a peer are, and how many of them it takes to read that. */
type Expected = {readonly bytes: number} & (
  | {readonly is: 'greeting' | 'header'}
  /** The rest of a length of eight bytes, of which `high` is the first. */
  | {readonly is: 'length'; readonly flags: number; readonly high: number}
  | {readonly is: 'body'; readonly flags: number}
  /** How a message begins that is not kept: `toDrop` bytes follow. */
  | {readonly is: 'head'; readonly flags: number; readonly toDrop: number}
);

const HEADER: Expected = {is: 'header', bytes: 2};

interface Reading {
  readonly maxBodyBytes: number;
  expected: Expected;
  /** What came and is not read yet, `length` bytes together. */
  pieces: Buffer[];
  length: number;
  /** Of the message that is being read. */
  parts: Buffer[];
  isReady: boolean;
  /** What is still to come of a message that is not kept. */
  toDrop: number;
}

/** Holds at most one message of `maxBodyBytes` and what came with its last piece. */
export function createZmtpReader(maxBodyBytes: number): ZmtpReader {
  const reading: Reading = {
    maxBodyBytes,
    expected: {is: 'greeting', bytes: GREETING_BYTES},
    pieces: [],
    length: 0,
    parts: [],
    isReady: false,
    toDrop: 0,
  };
  return {
    feed: bytes => feed(reading, bytes),
    get isAmidst() {
      const {isReady, toDrop, length, parts, expected} = reading;
      return !isReady || toDrop > 0 || length > 0 || parts.length > 0 || expected.is !== 'header';
    },
  };
}

function* feed(reading: Reading, bytes: Buffer): Iterable<ZmtpEvent> {
  const kept = drop(reading, bytes);
  reading.pieces.push(kept);
  reading.length += kept.length;
  if (reading.length < reading.expected.bytes) return;
  let all = reading.pieces.length === 1 ? kept : Buffer.concat(reading.pieces, reading.length);
  while (all.length >= reading.expected.bytes) {
    const taken = all.subarray(0, reading.expected.bytes);
    all = all.subarray(taken.length);
    const event = read(reading, taken);
    all = drop(reading, all);
    if (event !== undefined) yield event;
  }
  reading.pieces = all.length === 0 ? [] : [all];
  reading.length = all.length;
}

function drop(reading: Reading, bytes: Buffer): Buffer {
  const dropped = Math.min(reading.toDrop, bytes.length);
  reading.toDrop -= dropped;
  return bytes.subarray(dropped);
}

/** Reads what was expected, and says what is next. */
function read(reading: Reading, bytes: Buffer): ZmtpEvent | undefined {
  const {expected, maxBodyBytes} = reading;
  reading.expected = HEADER;
  switch (expected.is) {
    case 'greeting':
      checkGreeting(bytes);
      return undefined;
    case 'header':
      reading.expected = behindHeader(bytes, maxBodyBytes);
      return undefined;
    case 'length': {
      const length = expected.high === 0 ? Number(`0x${bytes.toString('hex')}`) : Infinity;
      reading.expected = behindLength(expected.flags, length, maxBodyBytes);
      return undefined;
    }
    case 'body':
      return readBody(reading, expected.flags, bytes);
    case 'head': {
      const event = readBody(reading, expected.flags, bytes);
      reading.toDrop = expected.toDrop;
      return event && {is: 'dropped', head: bytes};
    }
  }
}

function behindHeader(bytes: Buffer, maxBodyBytes: number): Expected {
  const flags = bytes[0] ?? 0;
  if ((flags & RESERVED) !== 0) throw new ZmtpFault(`a frame has flags ${flags}, which ZMTP 3.0 does not know`);
  const length = bytes[1] ?? 0;
  return (flags & LONG) === 0
    ? behindLength(flags, length, maxBodyBytes)
    : {is: 'length', bytes: 7, flags, high: length};
}

function behindLength(flags: number, bytes: number, maxBodyBytes: number): Expected {
  const isCommand = (flags & COMMAND) !== 0;
  const limit = isCommand ? MAX_COMMAND_BYTES : MAX_DROPPED_BYTES;
  if (bytes > limit) throw new ZmtpFault(`a frame is longer than ${limit} bytes`);
  if (isCommand || bytes <= maxBodyBytes) return {is: 'body', bytes, flags};
  return {is: 'head', bytes: HEAD_BYTES, flags, toDrop: bytes - HEAD_BYTES};
}

function readBody(reading: Reading, flags: number, body: Buffer): ZmtpEvent | undefined {
  if ((flags & COMMAND) !== 0) {
    // Others than READY are of later versions, or end a conversation: nothing to answer.
    if (reading.isReady || !isReadyCommand(body)) return undefined;
    reading.isReady = true;
    return {is: 'ready'};
  }
  if (!reading.isReady) throw new ZmtpFault('a message came before READY');
  const {parts} = reading;
  parts.push(body);
  const isWhole = (flags & MORE) === 0;
  if (isWhole !== (parts.length === PARTS_OF_MESSAGE) || parts[0]?.length !== 0) {
    throw new ZmtpFault('a message is not an empty frame and one with the call');
  }
  if (!isWhole) return undefined;
  reading.parts = [];
  return {is: 'message', body};
}

function checkGreeting(bytes: Buffer): void {
  if (bytes[0] !== ZMTP_FIRST_BYTE || bytes[9] !== 0x7f) throw new ZmtpFault('the greeting has no ZMTP signature');
  const version = bytes[VERSION_AT] ?? 0;
  if (version < 3) throw new ZmtpFault(`the peer speaks ZMTP ${version}, this is 3.0`);
  const mechanism = bytes
    .subarray(MECHANISM_AT, MECHANISM_AT + MECHANISM_BYTES)
    .toString('latin1')
    .replace(/\0+$/, '');
  if (mechanism !== 'NULL') throw new ZmtpFault(`the peer asks for mechanism ${JSON.stringify(mechanism)}, not NULL`);
}

const READY = Buffer.from('\x05READY');
const CALLERS = ['DEALER', 'REQ'];

/** Whether a command is READY. Throws ZmtpFault where it is that of a socket that can't call a master. */
function isReadyCommand(body: Buffer): boolean {
  if (!body.subarray(0, READY.length).equals(READY)) return false;
  const type = propertiesOf(body.subarray(READY.length)).get('socket-type') ?? 'no type';
  if (!CALLERS.includes(type)) throw new ZmtpFault(`the peer's socket is ${JSON.stringify(type)}, not DEALER`);
  return true;
}

/** Names in lower case, since they are compared without regard to case. */
function propertiesOf(bytes: Buffer): Map<string, string> {
  const properties = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 1 + (bytes[at] ?? 0);
    if (nameEnd + 4 > bytes.length) throw new ZmtpFault('READY breaks off within a property');
    const end = nameEnd + 4 + bytes.readUInt32BE(nameEnd);
    if (end > bytes.length) throw new ZmtpFault('READY breaks off within a property');
    properties.set(bytes.toString('latin1', at + 1, nameEnd).toLowerCase(), bytes.toString('latin1', nameEnd + 4, end));
    at = end;
  }
  return properties;
}
