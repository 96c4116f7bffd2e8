import type {ProcessTable} from '../jobs/proc.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {createQueue} from '../ports/queue.ts';
import {runFolderOf} from './files.ts';

/** What is remembered about HAProxy processes across a death of the daemon, beside `proxy.pid`. */
export interface GenerationRecord {
  readonly pid: number;
  /** Start time in clock ticks (field 22 of `/proc/<pid>/stat`): tells a process from a stranger with its PID. */
  readonly startTicks: number;
  readonly generation: number;
}

export interface Records {
  /** The highest generation ever started; numbers are never used again. */
  readonly last: number;
  readonly processes: readonly GenerationRecord[];
}

const noRecords: Records = {last: 0, processes: []};

export const encodeRecords = (records: Records): string => `${JSON.stringify(records)}\n`;

/** Reads what `encodeRecords` wrote; undefined for anything else. */
export function decodeRecords(text: string): Records | undefined {
  try {
    const value = JSON.parse(text) as Records;
    const isSound =
      Number.isSafeInteger(value.last) &&
      value.last >= 0 &&
      Array.isArray(value.processes) &&
      value.processes.every(entry =>
        [entry.pid, entry.startTicks, entry.generation].every(number => Number.isSafeInteger(number) && number >= 0),
      ) &&
      // To the kernel 0 is our own process group.
      value.processes.every(({pid}) => pid > 0);
    return isSound ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Which processes run, written down for the next daemon (with start times) and for operators (`proxy.pid`). */
export interface ProcessRecords {
  load(): Promise<Records>;
  /** Writes what `read` says when it is written; one write at a time. Never rejects: a full disk may not stop HAProxy. */
  write(read: () => RunningProcesses): Promise<void>;
}

export interface RunningProcesses {
  readonly last: number;
  readonly processes: readonly {readonly pid: number; readonly generation: number}[];
  readonly servingPid: number | undefined;
}

export function openProcessRecords(
  dataFolder: string,
  {files, processes, log}: {files: Files; processes: Pick<ProcessTable, 'identify'>; log: Log},
): ProcessRecords {
  const path = `${runFolderOf(dataFolder)}/generations.json`;
  const writes = createQueue();

  const writeNow = async (read: () => RunningProcesses): Promise<void> => {
    const {last, processes: running, servingPid} = read();
    const records = running.map(async ({pid, generation}) => {
      const identity = await processes.identify(pid);
      return identity === undefined ? [] : [{...identity, generation}];
    });
    try {
      await files.replace(path, encodeRecords({last, processes: (await Promise.all(records)).flat()}));
      await files.replace(`${dataFolder}/proxy.pid`, servingPid === undefined ? '' : `${servingPid}\n`);
    } catch (err) {
      log.warn({err}, 'cannot record the HAProxy processes: a restarted daemon will find them by their arguments');
    }
  };

  return {
    async load() {
      try {
        return decodeRecords((await files.readText(path)) ?? '') ?? noRecords;
      } catch (err) {
        log.warn({err}, 'cannot read the record of HAProxy processes');
        return noRecords;
      }
    },
    write: read => writes.add(() => writeNow(read)),
  };
}
