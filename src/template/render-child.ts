import {createEngine} from './engine.ts';
import {createFrameReader, encodeFrame} from './frames.ts';
import {READY} from './request.ts';

/** The process that templates run in: a request comes in on stdin, its answer goes out on stdout, one at a time. */
const MAX_REQUEST_BYTES = 256 * 1024 * 1024;

const answer = createEngine(() => performance.now());
const read = createFrameReader(MAX_REQUEST_BYTES);

process.stdin.on('data', (chunk: Buffer) => {
  const request = read(chunk);
  if (request !== undefined) process.stdout.write(encodeFrame(answer(request)));
});
// Whoever started us is gone.
process.stdin.on('end', () => process.exit(0));
process.stdout.on('error', () => process.exit(0));
process.stdout.write(encodeFrame([READY]));
