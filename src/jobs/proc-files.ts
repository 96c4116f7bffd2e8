import {open} from 'node:fs/promises';
import {systemCodeOf} from '../errors.ts';
import {parseSocketRow, type SocketRow} from '../proxy/sockets.ts';

const GONE = new Set(['ENOENT', 'ESRCH']);
const CHUNK_BYTES = 64 << 10;

/** The value of `reading`, or `absent` when what it reads has vanished. */
export async function orAbsent<Value, Absent>(reading: Promise<Value>, absent: Absent): Promise<Value | Absent> {
  try {
    return await reading;
  } catch (error) {
    if (GONE.has(systemCodeOf(error) ?? '')) return absent;
    throw error;
  }
}

/** The rows of a socket table, a chunk of them at a time: with 45,000 connections it is 7 MB, which must not block. */
export async function* readSocketRows(path: string): AsyncGenerator<SocketRow[]> {
  const file = await orAbsent(open(path), undefined);
  if (file === undefined) return;
  await using _closed = file;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let rest = '';
  for (;;) {
    const {bytesRead} = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
    rest = lines.pop() ?? '';
    yield lines.map(parseSocketRow).filter(row => row !== undefined);
  }
}
