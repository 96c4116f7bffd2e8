import {basename, dirname, join} from 'node:path';
import {isSystemFault} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {describeUnwritten, type Unwritten} from '../ports/write-fault.ts';
import {decodeSnapshot, type Snapshot, writeSnapshot} from './snapshot.ts';

/** Changes within this time share a write: well under the second that a snapshot may be old. */
const COALESCE_MS = 200;

/** How often an unchanged snapshot is written again, so that its wall time says when we were last alive. */
const HEARTBEAT_MS = 60_000;

/** A failed write is tried again this much later. */
const RETRY_MS = 1000;

/** Snapshots set aside that are kept for whoever wants to know why. */
const MAX_SET_ASIDE = 3;

/** Payloads may hold what not everybody should read. */
const FILE_MODE = 0o600;

/** What a restart starts from; `restored` is false when the members were not known or too old. */
export interface RestoredSnapshot extends Snapshot {
  readonly restored: boolean;
}

export interface SnapshotKeeper {
  /** The members have changed: they will be on disk within a second. */
  changed(): void;
  /** Why the file is not up to date; undefined while it is. */
  readonly unwritten: Unwritten | undefined;
  /** Writes a last time and stops. Never rejects. */
  close(): Promise<void>;
}

/** `members.json` in the data folder. */
export interface SnapshotFile {
  /** Reads what an earlier run left. Whatever is wrong with the file is a warning; a damaged one is set aside. */
  load(): Promise<RestoredSnapshot>;
  /** Keeps the file up to date with what `capture` says; one failing write is one warning, and is tried again. */
  keep(capture: () => Snapshot): SnapshotKeeper;
}

interface Ports {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
}

const nothing = (seq: number): RestoredSnapshot => ({seq, members: [], restored: false});

/** Does no I/O yet. */
export function openSnapshotFile(ports: Ports, dataFolder: string): SnapshotFile {
  const path = join(dataFolder, 'members.json');
  return {load: () => loadSnapshot(ports, path), keep: capture => keepSnapshot(ports, path, capture)};
}

async function loadSnapshot({files, clock, log}: Ports, path: string): Promise<RestoredSnapshot> {
  try {
    const text = await files.readText(path);
    if (text === undefined) return nothing(0);
    const decoded = decodeSnapshot(text, clock.epochMs());
    if (decoded.is === 'fresh') return {...decoded.snapshot, restored: true};
    if (decoded.is === 'stale') {
      log.warn({reason: 'too old, or the clock was moved', ageMs: decoded.ageMs}, 'members not restored');
      return nothing(decoded.seq);
    }
    log.warn({reason: decoded.reason}, 'members not restored: snapshot set aside');
    await setAside(files, path, clock.epochMs());
  } catch (err) {
    if (!isSystemFault(err)) throw err;
    log.warn({err}, 'members not restored: snapshot not accessible');
  }
  return nothing(0);
}

async function setAside(files: Files, path: string, epochMs: number): Promise<void> {
  const prefix = `${basename(path)}.corrupt-`;
  await files.rename(path, join(dirname(path), `${prefix}${epochMs}`));
  const epochs = (await files.list(dirname(path)))
    .filter(name => name.startsWith(prefix))
    .map(name => Number(name.slice(prefix.length)))
    .filter(Number.isSafeInteger)
    .sort((a, b) => b - a);
  for (const epoch of epochs.slice(MAX_SET_ASIDE)) await files.remove(join(dirname(path), `${prefix}${epoch}`));
}

function keepSnapshot({files, clock, log}: Ports, path: string, capture: () => Snapshot): SnapshotKeeper {
  let dirty = true;
  let unwritten: Unwritten | undefined;
  let closed = false;
  let writing: Promise<void> | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let disarm = () => {};

  const write = async () => {
    dirty = false;
    const text = await stepByStep(writeSnapshot(capture(), clock.epochMs()));
    try {
      await files.replace(path, text, FILE_MODE);
      if (unwritten !== undefined) log.info('snapshot written again');
      unwritten = undefined;
    } catch (err) {
      if (!isSystemFault(err)) throw err;
      if (unwritten === undefined) log.warn({err}, 'snapshot not written');
      unwritten = {reason: describeUnwritten(path, err), sinceAt: unwritten?.sinceAt ?? clock.epochMs()};
    }
  };

  const arm = (delayMs: number) => {
    const atMs = clock.nowMs() + delayMs;
    if (closed || writing !== undefined || atMs >= dueMs) return;
    disarm();
    dueMs = atMs;
    disarm = clock.after(delayMs, () => void writeOnce());
  };

  const writeOnce = async () => {
    dueMs = Number.POSITIVE_INFINITY;
    writing = write();
    await writing;
    writing = undefined;
    arm(unwritten ? RETRY_MS : dirty ? COALESCE_MS : HEARTBEAT_MS);
  };

  arm(COALESCE_MS);
  return {
    changed() {
      dirty = true;
      arm(unwritten ? RETRY_MS : COALESCE_MS);
    },
    get unwritten() {
      return unwritten;
    },
    async close() {
      closed = true;
      disarm();
      await writing;
      await write();
    },
  };
}
