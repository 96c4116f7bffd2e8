import {rethrowBug} from '../errors.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {folderFault} from '../ports/write-fault.ts';
import {pathsOf, runFolderOf} from './files.ts';
import type {StagedGeneration} from './generation.ts';

/** The folder of all generations' files, and the stable link to the runtime socket of the one that serves. */
export interface RunFolder {
  /** With the data folder, for its owner alone, where that is gone. Rejects with DATA. */
  make(): Promise<void>;
  /** Removes the files of all generations but these. Never rejects. */
  sweep(kept: ReadonlySet<number>): Promise<void>;
  /** A number is given (again): what is under it from now on is somebody's. */
  claim(generation: number): void;
  /** Removes the files of a generation. Never rejects: what cannot be removed now is tried again the next time. */
  forget(generation: number): Promise<void>;
  /** Points `haproxy.sock` at a generation. Never rejects. */
  link(generation: Pick<StagedGeneration, 'number' | 'paths'>): Promise<void>;
}

export function openRunFolder({
  dataFolder,
  files,
  log,
}: {
  readonly dataFolder: string;
  readonly files: Files;
  readonly log: Log;
}): RunFolder {
  const folder = runFolderOf(dataFolder);
  /** Those whose files, or some of them, could not be removed. */
  const unforgotten = new Set<number>();
  return {
    async make() {
      try {
        await files.makeFolder(dataFolder, 0o700);
        await files.makeFolder(folder);
      } catch (cause) {
        throw folderFault(folder, cause);
      }
    },
    async sweep(kept) {
      try {
        for (const name of await files.list(folder)) {
          const number = /^(\d+)\./.exec(name)?.[1];
          if (number !== undefined && !kept.has(Number(number))) await files.remove(`${folder}/${name}`);
        }
      } catch (err) {
        rethrowBug(err);
        log.warn({err}, 'cannot remove the files of earlier generations');
      }
    },
    claim: generation => void unforgotten.delete(generation),
    async forget(generation) {
      unforgotten.add(generation);
      for (const number of [...unforgotten]) {
        try {
          for (const path of Object.values(pathsOf(dataFolder, number))) {
            if (unforgotten.has(number)) await files.remove(path);
          }
          unforgotten.delete(number);
        } catch (err) {
          log.warn({generation: number, err}, 'cannot remove the files of a generation');
        }
      }
    },
    async link({number, paths}) {
      try {
        await files.pointLink(`${dataFolder}/haproxy.sock`, paths.socket.slice(dataFolder.length + 1));
      } catch (err) {
        log.warn({err, generation: number}, 'cannot point haproxy.sock at the new generation');
      }
    },
  };
}
