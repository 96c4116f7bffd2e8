import {createReadStream} from 'node:fs';

/** Far more than any manifest; what is longer is a device or a mistake, and would take the machine's memory. */
const MAX_INPUT_BYTES = 64 << 20;

/** All that a stream of bytes gives. Rejects as soon as it is over 64 MiB, since some have no end. */
export async function readInput(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) throw new Error(`it is longer than ${MAX_INPUT_BYTES >> 20} MiB`);
  }
  return Buffer.concat(chunks);
}

/** All of a file or a named pipe, with the same bound. */
export const readInputFile = (path: string): Promise<Buffer> => readInput(createReadStream(path));
