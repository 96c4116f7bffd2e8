/** A frame is a 4-byte count of texts, then each one's length in bytes (4 bytes, little-endian) and its UTF-8. */
const WORD_BYTES = 4;

/** Nobody sends more; each one more may cost another look at the whole frame. */
const MAX_TEXTS = 64;

/** Texts as one frame, to cross a pipe. */
export function encodeFrame(texts: readonly string[]): Buffer {
  const sizes = texts.map(text => Buffer.byteLength(text));
  const frame = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + WORD_BYTES + size, WORD_BYTES));
  let offset = frame.writeUInt32LE(texts.length);
  for (const [index, text] of texts.entries()) {
    offset = frame.writeUInt32LE(sizes[index] ?? 0, offset);
    offset += frame.write(text, offset, 'utf8');
  }
  return frame;
}

/**
 * Collects chunks until they are a frame, and returns its texts then; undefined while more is to come. Throws a
 * RangeError over `limitBytes` or 64 texts. One frame is under way at a time: nothing may follow it before it was answered.
 */
export function createFrameReader(limitBytes: number): (chunk: Buffer) => string[] | undefined {
  let chunks: Buffer[] = [];
  let size = 0;
  let wanted = 0;
  return chunk => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limitBytes) throw new RangeError(`a frame of more than ${limitBytes} bytes`);
    if (size < wanted) return undefined;
    const frame = Buffer.concat(chunks, size);
    wanted = endOf(frame);
    chunks = [frame];
    if (size < wanted) return undefined;
    chunks = [];
    size = 0;
    wanted = 0;
    return decode(frame);
  };
}

/** The bytes that are needed to know more: the frame's size, once all the sizes in it are there. */
function endOf(frame: Buffer): number {
  if (frame.length < WORD_BYTES) return WORD_BYTES;
  if (frame.readUInt32LE() > MAX_TEXTS) throw new RangeError(`a frame of more than ${MAX_TEXTS} texts`);
  let offset = WORD_BYTES;
  for (let left = frame.readUInt32LE(); left > 0; left--) {
    if (frame.length < offset + WORD_BYTES) return offset + WORD_BYTES;
    offset += WORD_BYTES + frame.readUInt32LE(offset);
  }
  return offset;
}

function decode(frame: Buffer): string[] {
  const texts: string[] = [];
  let offset = WORD_BYTES;
  for (let left = frame.readUInt32LE(); left > 0; left--) {
    const size = frame.readUInt32LE(offset);
    offset += WORD_BYTES;
    texts.push(frame.toString('utf8', offset, offset + size));
    offset += size;
  }
  return texts;
}
