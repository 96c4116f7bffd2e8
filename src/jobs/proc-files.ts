import {readSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {systemCodeOf} from '../errors.ts';
import {yieldToLoop} from '../ports/event-loop.ts';
import {parseWaitingSockets, type WaitingSocket} from '../proxy/sockets.ts';

const GONE = new Set(['ENOENT', 'ESRCH']);

/** A read of a /proc file returns one page at most. */
const PAGE_BYTES = 4096;
/** About 1 ms of the kernel's time. */
const MAX_PAGES = 16;

/** The value of `reading`, or `absent` when what it reads has vanished. */
export async function orAbsent<Value, Absent>(reading: Promise<Value>, absent: Absent): Promise<Value | Absent> {
  try {
    return await reading;
  } catch (error) {
    if (GONE.has(systemCodeOf(error) ?? '')) return absent;
    throw error;
  }
}

/**
 * The waiting sockets of a socket table, a stretch of it at a time: with 45,000 connections it is 7 MB, which must not
 * block. Pages are read synchronously since a trip through the thread pool takes longer than the kernel does for one.
 */
export async function* readWaitingSockets(path: string): AsyncGenerator<WaitingSocket[]> {
  const file = await orAbsent(open(path), undefined);
  if (file === undefined) return;
  await using _closed = file;
  const page = Buffer.alloc(PAGE_BYTES);
  let text = '';
  for (let pages = 1; ; pages = Math.min(2 * pages, MAX_PAGES)) {
    for (let count = 0; count < pages; count += 1) {
      const bytes = readSync(file.fd, page);
      if (bytes === 0) return yield parseWaitingSockets(text);
      text += page.toString('latin1', 0, bytes);
    }
    const whole = text.lastIndexOf('\n') + 1;
    yield parseWaitingSockets(text.slice(0, whole));
    text = text.slice(whole);
    await yieldToLoop();
  }
}

const OTHER_STATE = /^ *\d+: \S+ \S+ (?!0A)[0-9A-F]{2} /m;

/** The pages of a socket table that have its LISTEN rows, which come before all others. Empty where there is no table. */
export async function readTableHead(path: string): Promise<string> {
  const file = await orAbsent(open(path), undefined);
  if (file === undefined) return '';
  await using _closed = file;
  const page = Buffer.alloc(PAGE_BYTES);
  let text = '';
  for (;;) {
    const bytes = readSync(file.fd, page);
    text += page.toString('latin1', 0, bytes);
    if (bytes === 0 || OTHER_STATE.test(text.slice(-2 * PAGE_BYTES))) return text;
  }
}
