import {createReadStream} from 'node:fs';

/** Far more than any manifest; what is longer is a device or a mistake, and would take the machine's memory. */
export const MAX_INPUT_BYTES = 64 << 20;

/** All of a file, a pipe, or stdin (`-`). Rejects as soon as it is longer than `maxBytes`, so that none of it is endless. */
export async function readInput(path: string, maxBytes = MAX_INPUT_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const stream: AsyncIterable<Buffer> = path === '-' ? process.stdin : createReadStream(path);
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`it is longer than ${maxBytes / (1 << 20)} MiB`);
  }
  return Buffer.concat(chunks);
}
