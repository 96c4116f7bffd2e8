import type {Clock} from '../ports/clock.ts';
import {sleep} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {createQueue} from '../ports/queue.ts';
import type {ProcessIdentity, ProcessTable} from './proc.ts';

/** A job's process, remembered across a death of the daemon. The start time tells it from a stranger with its PID. */
export interface JobRecord extends ProcessIdentity {
  readonly job: string;
  readonly stopWaitMs: number;
}

export interface JobRecordPorts {
  readonly clock: Clock;
  readonly files: Pick<Files, 'readText' | 'replace'>;
  readonly log: Log;
  readonly processes: Pick<ProcessTable, 'identify' | 'isAlive' | 'signal'>;
  readonly path: string;
}

/** Which jobs run, written down so that the daemon after us ends them before it starts its own. */
export interface JobRecords {
  /** Ends what an earlier daemon left running: its output goes nowhere, and it may not run twice. */
  endLeftovers(): Promise<void>;
  /** Writes what runs now; one write at a time. Never rejects: a full disk may not stop a job. */
  write(
    running: () => readonly {readonly job: string; readonly pid: number; readonly stopWaitMs: number}[],
  ): Promise<void>;
}

const POLL_MS = 50;

/** How long SIGKILL may take before we go on all the same. */
const KILL_WAIT_MS = 2000;

export const encodeJobRecords = (records: readonly JobRecord[]): string => `${JSON.stringify(records)}\n`;

/** Reads what `encodeJobRecords` wrote; nothing for anything else. */
export function decodeJobRecords(text: string): JobRecord[] {
  try {
    const value = JSON.parse(text) as JobRecord[];
    const isSound = (record: JobRecord) =>
      typeof record.job === 'string' &&
      // To the kernel 0 is our own process group.
      record.pid > 0 &&
      [record.pid, record.startTicks, record.stopWaitMs].every(number => Number.isSafeInteger(number) && number >= 0);
    return Array.isArray(value) && value.every(isSound) ? value : [];
  } catch {
    return [];
  }
}

export function openJobRecords({clock, files, log, processes, path}: JobRecordPorts): JobRecords {
  const writes = createQueue();

  const isGoneWithin = async (record: JobRecord, limitMs: number): Promise<boolean> => {
    const untilMs = clock.nowMs() + limitMs;
    while (await processes.isAlive(record)) {
      if (clock.nowMs() >= untilMs) return false;
      await sleep(clock, POLL_MS);
    }
    return true;
  };

  const end = async (record: JobRecord): Promise<void> => {
    if (!(await processes.signal(record, 'SIGTERM'))) return;
    log.warn({job: record.job, pid: record.pid}, 'ending a job that an earlier daemon left');
    if (await isGoneWithin(record, record.stopWaitMs)) return;
    await processes.signal(record, 'SIGKILL');
    await isGoneWithin(record, KILL_WAIT_MS);
  };

  return {
    async endLeftovers() {
      const text = await files.readText(path).catch(() => undefined);
      await Promise.all(decodeJobRecords(text ?? '').map(end));
    },
    write(running) {
      const writeNow = async (): Promise<void> => {
        const records = running().map(async ({pid, ...rest}) => {
          const identity = await processes.identify(pid);
          return identity === undefined ? [] : [{...rest, ...identity}];
        });
        try {
          await files.replace(path, encodeJobRecords((await Promise.all(records)).flat()), 0o600);
        } catch (err) {
          log.warn({err}, 'cannot record the processes of jobs: a restarted daemon could not end them');
        }
      };
      return writes.add(writeNow);
    },
  };
}
