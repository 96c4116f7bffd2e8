import type {ProcessTable} from '../jobs/proc.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {runFolderOf} from './files.ts';
import {decodeRecords, encodeRecords, noRecords, type Records} from './records.ts';

/** Which processes run, written down for the next daemon (with start times) and for operators (`proxy.pid`). */
export interface ProcessRecords {
  load(): Promise<Records>;
  /** Writes what `read` says when its turn comes; one write at a time. Never rejects: a full disk may not stop HAProxy. */
  write(): Promise<void>;
}

export interface RunningProcesses {
  readonly last: number;
  readonly processes: readonly {readonly pid: number; readonly generation: number}[];
  readonly servingPid: number | undefined;
}

export function openProcessRecords(
  dataFolder: string,
  read: () => RunningProcesses,
  {files, processes, log}: {files: Files; processes: Pick<ProcessTable, 'identify'>; log: Log},
): ProcessRecords {
  const path = `${runFolderOf(dataFolder)}/generations.json`;
  let writing = Promise.resolve();

  const writeNow = async (): Promise<void> => {
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
    write() {
      writing = writing.then(writeNow);
      return writing;
    },
  };
}
