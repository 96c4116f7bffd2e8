import {stat} from 'node:fs/promises';
import {DaemonError, EXIT_CODES} from '../errors.ts';
import {systemClock as clock, pause} from '../ports/clock.ts';

/** Editors replace a file in more than one step: what is seen is looked at once more a moment later. */
const LOOK_MS = 250;

/** What tells one state of a file from the next; of one that is not there, that. */
const stateOf = async (file: string): Promise<string> => {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? 'absent' : `${found.ino} ${found.size} ${found.mtimeMs}`;
};

const statesOf = async (files: readonly string[]): Promise<string> =>
  (await Promise.all(files.map(stateOf))).join('\n');

/**
 * Does `round` now and after each change of one of the files, until `stop`. What a round fails of is told (`tell`), and the
 * next change tries again. Resolves with the exit code of the last one.
 */
export async function onChange(
  files: readonly string[],
  round: () => Promise<number>,
  {stop, tell}: {readonly stop: AbortSignal; readonly tell: (fault: DaemonError) => void},
): Promise<number> {
  let code = 0;
  let seen: string | undefined;
  while (!stop.aborted) {
    const now = await statesOf(files);
    if (now !== seen) {
      seen = now;
      code = await round().catch(error => {
        if (!(error instanceof DaemonError)) throw error;
        tell(error);
        return EXIT_CODES[error.code];
      });
    }
    await pause(clock, LOOK_MS, stop);
  }
  return code;
}
