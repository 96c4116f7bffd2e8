import type {Member, Ping} from '../../src/members/member.ts';
import type {Files} from '../../src/ports/files.ts';
import {type Log, openLog} from '../../src/ports/log.ts';
import {systemError} from '../support/system-error.ts';

/** A ping of the pod `web-1` on 10.2.0.17, changed as told. */
export const pingOf = (changes: Partial<Ping> = {}): Ping => ({
  app: 'web',
  id: 'web-1',
  ip: '10.2.0.17',
  key: 'bmviV',
  role: 'frontend',
  nonce: undefined,
  payload: '',
  down: false,
  ...changes,
});

export function memberOf(changes: Partial<Member> = {}): Member {
  const {down: _, ...pod} = pingOf();
  return {...pod, seq: 1, firstSeenAt: 1000, lastSeenAt: 2000, ...changes};
}

/** What a slave sends, as the bytes on the wire. */
export const bodyOf = (fields: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(fields));

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export const WARN = 40;
export const INFO = 30;

/** A log that remembers its lines. */
export function openLogSink(): {log: Log; lines: LogLine[]; said(msg: string): LogLine[]} {
  const lines: LogLine[] = [];
  const {log} = openLog('debug', {write: line => lines.push(JSON.parse(line))});
  return {log, lines, said: msg => lines.filter(line => line.msg.includes(msg))};
}

/** Files in memory; `failWith` makes every write fail, `hold` keeps writes waiting until the returned call. */
export function createMemoryFiles(texts: Record<string, string> = {}) {
  const contents = new Map(Object.entries(texts));
  const modes = new Map<string, number | undefined>();
  let failure: Error | undefined;
  let held: Promise<void> | undefined;
  let writing = 0;
  const seen = {writes: 0, mostAtOnce: 0};
  const files: Files = {
    async readText(path) {
      return contents.get(path);
    },
    readStamp: async path => contents.get(path),
    readSize: async path => contents.get(path)?.length,
    async prepare(path, text, mode) {
      if (failure !== undefined) throw failure;
      return {commit: () => files.replace(path, text, mode), discard: async () => {}};
    },
    async replace(path, text, mode) {
      seen.writes += 1;
      seen.mostAtOnce = Math.max(seen.mostAtOnce, ++writing);
      try {
        await held;
        if (failure !== undefined) throw failure;
        contents.set(path, text);
        modes.set(path, mode);
      } finally {
        writing -= 1;
      }
    },
    async replaceBytes(path, bytes) {
      contents.set(path, Buffer.from(bytes).toString());
    },
    async rename(from, to) {
      const text = contents.get(from);
      if (text === undefined) throw systemError('ENOENT', from);
      contents.delete(from);
      contents.set(to, text);
    },
    async remove(path) {
      contents.delete(path);
    },
    async makeFolder() {},
    async list(path) {
      return [...contents.keys()].filter(name => name.startsWith(`${path}/`)).map(name => name.slice(path.length + 1));
    },
    async pointLink() {},
  };
  return {
    files,
    contents,
    modes,
    seen,
    failWith(error: Error | undefined) {
      failure = error;
    },
    hold(): () => void {
      const {promise, resolve} = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
  };
}
