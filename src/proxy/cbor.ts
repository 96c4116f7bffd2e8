/** What HAProxy writes as the value of a field: byte strings become hex digits. */
export type CborValue = string | number | boolean | null;

const MAP = 0xbf;
const BREAK = 0xff;
const INDEFINITE = 31;
const SIMPLE: ReadonlyMap<number, boolean | null> = new Map<number, boolean | null>([
  [0xf4, false],
  [0xf5, true],
  [0xf6, null],
  [0xf7, null],
]);
const [UNSIGNED, NEGATIVE, BYTES, TEXT] = [0, 1, 2, 3];

class Malformed extends Error {}

/**
 * Decodes one map of indefinite length with texts as keys and scalars as values, which is what HAProxy makes of a log
 * line (`%{+cbor}o`, 3.0+). Undefined when the bytes are anything else. Source: RFC 8949, section 3.
 */
export function decodeCborMap(bytes: Buffer): ReadonlyMap<string, CborValue> | undefined {
  let at = 0;
  const next = (): number => {
    const byte = bytes[at];
    if (byte === undefined) throw new Malformed();
    at += 1;
    return byte;
  };

  /** The argument that a head carries in its low bits, or in the 1, 2, 4 or 8 bytes after it. */
  const readArgument = (low: number): number => {
    if (low < 24) return low;
    if (low > 27) throw new Malformed();
    const length = 1 << (low - 24);
    let value = 0;
    for (let index = 0; index < length; index += 1) value = value * 256 + next();
    return value;
  };

  const take = (length: number): Buffer => {
    const start = at;
    at += length;
    if (at > bytes.length) throw new Malformed();
    return bytes.subarray(start, at);
  };

  const readString = (head: number): Buffer => {
    const low = head & 31;
    if (low !== INDEFINITE) return take(readArgument(low));
    const chunks: Buffer[] = [];
    for (let chunk = next(); chunk !== BREAK; chunk = next()) {
      if (chunk >> 5 !== head >> 5 || (chunk & 31) === INDEFINITE) throw new Malformed();
      chunks.push(readString(chunk));
    }
    return Buffer.concat(chunks);
  };

  const readValue = (head: number): CborValue => {
    const simple = SIMPLE.get(head);
    if (simple !== undefined) return simple;
    switch (head >> 5) {
      case UNSIGNED:
        return readArgument(head & 31);
      case NEGATIVE:
        return -1 - readArgument(head & 31);
      case BYTES:
        return readString(head).toString('hex').toUpperCase();
      case TEXT:
        return readString(head).toString();
      default:
        throw new Malformed();
    }
  };

  try {
    const entries = new Map<string, CborValue>();
    if (next() !== MAP) return undefined;
    for (let head = next(); head !== BREAK; head = next()) {
      if (head >> 5 !== TEXT) return undefined;
      entries.set(readString(head).toString(), readValue(next()));
    }
    return at === bytes.length ? entries : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
