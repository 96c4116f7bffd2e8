import {DaemonError, reasonOf} from '../errors.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {folderFault} from '../ports/write-fault.ts';
import type {Visit} from './lifecycle.ts';
import type {BlockEnd} from './shell-block.ts';
import {type BlockVariables, fitsEnvironment, splitFitting} from './variables.ts';

export interface BlockPorts {
  readonly files: Pick<Files, 'replaceBytes' | 'remove' | 'list' | 'makeFolder'>;
  readonly log: Log;
  /** Where `INPUT_FILE` lies while its state lasts. */
  readonly folder: string;
  readonly socketPath: string;
  /** `KONTROL_*` as it is in force, asked at each block. */
  readonly env: () => Readonly<Record<string, string>>;
  readonly variables: BlockVariables;
  /** What a state's blocks are given: what came with the request, or for a pass of the daemon's own its hosts. */
  readonly inputOf: (visit: Visit) => Buffer;
  readonly run: (
    block: string,
    tag: string,
    env: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => Promise<BlockEnd>;
}

/**
 * Runs the shell blocks of `lifecycle.yml`, each with the environment that docs/lifecycle.md#what-a-block-is-given
 * promises.
 */
export interface Blocks {
  run(block: string, visit: Visit, signal: AbortSignal): Promise<BlockEnd>;
}

const OWNER_ONLY = 0o600;
const INPUT_NAME = /^input-\d+$/;

/**
 * Opens them, removing what a killed daemon left; rejects with DATA. Each block gets `INPUT_FILE`, and `INPUT` when it fits into a
 * variable (128 KiB, no NUL); `SOCKET`, the `KONTROL_*` and what was `SET`.
 */
export async function openBlocks(ports: BlockPorts): Promise<Blocks> {
  const {files, folder, log} = ports;
  let number = 0;
  try {
    await files.makeFolder(folder);
    for (const name of await files.list(folder)) if (INPUT_NAME.test(name)) await files.remove(`${folder}/${name}`);
  } catch (cause) {
    throw folderFault(folder, cause);
  }

  const environment = (visit: Visit, input: Buffer, inputFile: string): Record<string, string> => {
    const {fitting, tooLong} = splitFitting(ports.env());
    if (tooLong.length > 0) log.warn({to: visit.tag, names: tooLong}, 'variables too long for a block: left out');
    const text = input.toString();
    return {
      ...fitting,
      ...ports.variables.all(),
      ...(fitsEnvironment('INPUT', text) && {INPUT: text}),
      INPUT_FILE: inputFile,
      SOCKET: ports.socketPath,
    };
  };

  return {
    async run(block, visit, signal) {
      const input = ports.inputOf(visit);
      const inputFile = `${folder}/input-${++number}`;
      try {
        await files.replaceBytes(inputFile, input, OWNER_ONLY);
      } catch (cause) {
        const message = `cannot write the input of state ${visit.tag}: ${reasonOf(cause)}`;
        if (!fitsEnvironment('INPUT', input.toString())) throw new DaemonError('LIFECYCLE', message, {cause});
        log.warn({to: visit.tag, reason: reasonOf(cause)}, 'INPUT_FILE cannot be written: the block has INPUT alone');
      }
      try {
        return await ports.run(block, visit.tag, environment(visit, input, inputFile), signal);
      } finally {
        await files.remove(inputFile).catch(err => log.warn({err}, 'cannot remove an input file'));
      }
    },
  };
}
