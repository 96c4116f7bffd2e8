import {constants} from 'node:fs';
import {open, stat} from 'node:fs/promises';
import {systemCodeOf} from '../errors.ts';

/** An annotation has 256 KiB at most. */
const MAX_TEMPLATE_BYTES = 4 << 20;

/** What stands at the path of a template; `other` says why it is none. */
export type TemplateRead =
  | {readonly is: 'file'; readonly bytes: Buffer}
  | {readonly is: 'absent'}
  | {readonly is: 'other'; readonly reason: string};

/**
 * Reads a template's file. Waits for nobody who would write (a FIFO), and reads no more than a template may have. Rejects
 * with the system's error.
 */
export async function readTemplateFile(path: string): Promise<TemplateRead> {
  // Opening a FIFO would wait for its other end.
  const opened = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(error => {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
    return undefined;
  });
  if (opened === undefined) return {is: 'absent'};
  await using file = opened;
  const found = await file.stat();
  if (!found.isFile()) return {is: 'other', reason: 'it is no regular file'};
  // One more than there may be: a file may grow while it is read, and those of /proc have no size.
  const bytes = Buffer.alloc(Math.min(MAX_TEMPLATE_BYTES, Math.max(found.size, 4096)) + 1);
  let length = 0;
  while (length < bytes.length) {
    const {bytesRead} = await file.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) return {is: 'file', bytes: bytes.subarray(0, length)};
    length += bytesRead;
  }
  return {is: 'other', reason: `it is longer than ${MAX_TEMPLATE_BYTES / 1024 / 1024} MiB`};
}

/** Two writes so close together may have one time. */
const SAME_TIME_MS = 2000;

/**
 * Reads as `readTemplateFile` does, for who asks again and again: what was read last is given as long as the file is the
 * same by its number, size and times, none of which was recent then.
 */
export function createTemplateReader(epochMs: () => number): (path: string) => Promise<TemplateRead> {
  let last: {readonly path: string; readonly stamp: string; readonly read: TemplateRead} | undefined;
  return async path => {
    const found = await stat(path).catch(() => undefined);
    const stamp = found && [found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs].join(' ');
    if (stamp !== undefined && last?.path === path && last.stamp === stamp) return last.read;
    const isSettled = found !== undefined && Math.max(found.mtimeMs, found.ctimeMs) + SAME_TIME_MS < epochMs();
    const read = await readTemplateFile(path);
    const isWhole = read.is === 'file' && read.bytes.length === found?.size;
    last = stamp !== undefined && isSettled && isWhole ? {path, stamp, read} : undefined;
    return read;
  };
}
