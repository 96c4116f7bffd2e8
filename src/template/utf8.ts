import {DaemonError} from '../errors.ts';

/** A byte order mark is a character of the text, as Node and Python read files. */
const BYTE_ORDER_MARK = '\ufeff';
const strict = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

/** The text of a template's bytes; undefined where they are not UTF-8. */
const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
};

/** Where what is not UTF-8 begins: up to there a lenient reading gives the same bytes again. */
function offsetOfFault(bytes: Uint8Array): number {
  const lenient = Buffer.from(Buffer.from(bytes).toString('utf8'));
  return bytes.findIndex((byte, index) => byte !== lenient[index]);
}

/**
 * The text of a template's bytes. What is not UTF-8 would be replaced in silence, and HAProxy would be given another text
 * than was written: throws `code` with the offset of the first such byte. So does what begins with a byte order mark, by
 * which HAProxy knows no first word and says so in no words that help. `subject` reads `cannot read the template x`.
 */
export function decodeTemplate(bytes: Uint8Array, subject: string, code: 'RENDER' | 'USAGE'): string {
  const text = decode(bytes);
  if (text?.startsWith(BYTE_ORDER_MARK)) {
    throw new DaemonError(code, `${subject}: it begins with a byte order mark; save it as UTF-8 without one`);
  }
  if (text !== undefined) return text;
  const offset = offsetOfFault(bytes);
  const line = bytes.subarray(0, offset).filter(byte => byte === 10).length + 1;
  throw new DaemonError(code, `${subject}: it is not UTF-8 at byte ${offset} (line ${line}); save it as UTF-8`);
}
