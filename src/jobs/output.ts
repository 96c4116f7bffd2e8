import {createWriteStream, lstatSync, rmSync, type WriteStream} from 'node:fs';
import {isSystemFault} from '../errors.ts';

/** Lines enough for a look at what a job said last. */
const MAX_LINES = 200;

/** Remembers the last lines that were added. */
export function createTail(): {add(line: string): void; lines(): readonly string[]} {
  let lines: string[] = [];
  return {
    add(line) {
      lines.push(line);
      if (lines.length >= 2 * MAX_LINES) lines = lines.slice(-MAX_LINES);
    },
    lines: () => lines.slice(-MAX_LINES),
  };
}

/** `proxy.out` starts anew at this size: it is for a look at what HAProxy said last, the log has it all. */
const MAX_BYTES = 1 << 20;

/**
 * Opens `proxy.out`, where HAProxy's own words go line by line (docs/contract-2017.md#reload). Never throws; a full
 * disk loses lines here.
 */
export function openOutputFile(path: string): {write(line: string): void} {
  let writtenBytes = 0;
  const open = (): WriteStream => {
    removeLink(path);
    return createWriteStream(path, {flags: 'w', mode: 0o640}).on('error', () => {});
  };
  let stream = open();
  return {
    write(line) {
      if (writtenBytes > MAX_BYTES || stream.destroyed) {
        stream.end();
        stream = open();
        writtenBytes = 0;
      }
      writtenBytes += Buffer.byteLength(line) + 1;
      stream.write(`${line}\n`);
    },
  };
}

/** Whoever put it there would have us write over another file. */
function removeLink(path: string): void {
  try {
    if (lstatSync(path, {throwIfNoEntry: false})?.isSymbolicLink()) rmSync(path);
  } catch (error) {
    if (!isSystemFault(error)) throw error;
  }
}
