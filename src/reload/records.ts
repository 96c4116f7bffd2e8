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

export const noRecords: Records = {last: 0, processes: []};

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
