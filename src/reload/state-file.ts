import {foreseenReason, rethrowBug} from '../errors.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {deriveCarriedState, EMPTY_STATE} from '../proxy/carried-state.ts';
import {parseStateFile} from '../proxy/server-state.ts';
import type {StagedGeneration} from './generation.ts';

export interface StateFilePorts {
  readonly ask: (socket: string, command: string) => Promise<string>;
  readonly files: Pick<Files, 'replace'>;
  readonly log: Log;
}

const MODE = 0o640;

/**
 * Where a text says `load-server-state-from-file global`, writes down what checks found out about the servers of the
 * running generation, as far as it holds for the next one. Never rejects: what cannot be carried begins as a start does.
 */
export async function carryServerState(
  {text, read, paths}: StagedGeneration,
  running: StagedGeneration | undefined,
  {ask, files, log}: StateFilePorts,
): Promise<void> {
  const {isWanted, path = paths.state} = parseStateFile(text);
  if (!isWanted) return;
  const report = (error: unknown): string => {
    log.warn({reason: foreseenReason(error), path}, "the servers' health is not carried over to the next generation");
    return EMPTY_STATE;
  };
  const derive = async (former: StagedGeneration): Promise<string> =>
    stepByStep(deriveCarriedState(await ask(former.paths.socket, 'show servers state'), former.read, read));
  const state = running === undefined ? EMPTY_STATE : await derive(running).catch(report);
  await files.replace(path, state, MODE).catch(report);
}

/** Once its start is over: one that dies later begins with what its text says by then, not with how servers once were. */
export async function emptyStateFile(
  {text, paths}: StagedGeneration,
  {files, log}: Pick<StateFilePorts, 'files' | 'log'>,
): Promise<void> {
  const {isWanted, path = paths.state} = parseStateFile(text);
  if (!isWanted) return;
  await files.replace(path, EMPTY_STATE, MODE).catch((err: unknown) => {
    rethrowBug(err);
    log.warn({err, path}, "cannot empty the servers' state file");
  });
}
