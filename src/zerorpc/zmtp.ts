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

/** Holds at most one message of `maxBodyBytes` and what came with its last piece. */
export function createZmtpReader(maxBodyBytes: number): ZmtpReader {
  let pieces: Buffer[] = [];
  let length = 0;
  let wanted = GREETING_BYTES;
  let read: (bytes: Buffer) => ZmtpEvent | undefined = readGreeting;
  let parts: Buffer[] = [];
  let isReady = false;
  /** What is still to come of a message that is not kept. */
  let toDrop = 0;

  const expect = (bytes: number, by: typeof read): undefined => {
    wanted = bytes;
    read = by;
  };

  function readGreeting(bytes: Buffer): undefined {
    checkGreeting(bytes);
    return expect(2, readHeader);
  }

  function readHeader(bytes: Buffer): undefined {
    const flags = bytes[0] ?? 0;
    if ((flags & RESERVED) !== 0) throw new ZmtpFault(`a frame has flags ${flags}, which ZMTP 3.0 does not know`);
    if ((flags & LONG) === 0) return expectBody(flags, bytes[1] ?? 0);
    // The byte read so far is the first of eight.
    const high = bytes[1] ?? 0;
    return expect(7, rest => expectBody(flags, high === 0 ? Number(`0x${rest.toString('hex')}`) : Infinity));
  }

  function expectBody(flags: number, bytes: number): undefined {
    const isCommand = (flags & COMMAND) !== 0;
    const limit = isCommand ? MAX_COMMAND_BYTES : MAX_DROPPED_BYTES;
    if (bytes > limit) throw new ZmtpFault(`a frame is longer than ${limit} bytes`);
    if (isCommand || bytes <= maxBodyBytes) return expect(bytes, body => readBody(flags, body));
    return expect(HEAD_BYTES, head => {
      const event = readBody(flags, head);
      toDrop = bytes - HEAD_BYTES;
      return event && {is: 'dropped', head};
    });
  }

  function drop(bytes: Buffer): Buffer {
    const dropped = Math.min(toDrop, bytes.length);
    toDrop -= dropped;
    return bytes.subarray(dropped);
  }

  function readBody(flags: number, body: Buffer): ZmtpEvent | undefined {
    expect(2, readHeader);
    if ((flags & COMMAND) !== 0) {
      // Others than READY are of later versions, or end a conversation: nothing to answer.
      if (isReady || !isReadyCommand(body)) return undefined;
      isReady = true;
      return {is: 'ready'};
    }
    if (!isReady) throw new ZmtpFault('a message came before READY');
    parts.push(body);
    const isWhole = (flags & MORE) === 0;
    if (isWhole !== (parts.length === PARTS_OF_MESSAGE) || parts[0]?.length !== 0) {
      throw new ZmtpFault('a message is not an empty frame and one with the call');
    }
    if (!isWhole) return undefined;
    parts = [];
    return {is: 'message', body};
  }

  return {
    *feed(bytes) {
      const kept = drop(bytes);
      pieces.push(kept);
      length += kept.length;
      if (length < wanted) return;
      let all = pieces.length === 1 ? kept : Buffer.concat(pieces, length);
      while (all.length >= wanted) {
        const taken = all.subarray(0, wanted);
        all = all.subarray(wanted);
        const event = read(taken);
        all = drop(all);
        if (event !== undefined) yield event;
      }
      pieces = all.length === 0 ? [] : [all];
      length = all.length;
    },
    get isAmidst() {
      return !isReady || toDrop > 0 || length > 0 || parts.length > 0 || read !== readHeader;
    },
  };
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
