import {mkdtemp, rename, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {sweepFaketime} from './faketime.ts';

/** The wall clock that a child alone believes in. Its monotonic clock stays true, as under NTP or an operator's `date`. */
export interface WallClock extends AsyncDisposable {
  /** The child's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on the child's clock is `byMs` off the real one (whole seconds), at once and without its help. */
  step(byMs: number): Promise<void>;
}

/**
 * Debian's libfaketime, preloaded: the `faketime` program itself would stand between a test and its child's PID. The
 * dynamic linker puts the machine's library folder in place of `$LIB`.
 */
const LIBRARY = '/usr/$LIB/faketime/libfaketime.so.1';

/** A wall clock that goes right until it is stepped (part `faketime`). */
export async function openWallClock(): Promise<WallClock> {
  sweepFaketime();
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-clock-'));
  const file = join(folder, 'offset');
  const step = async (byMs: number) => {
    // The child reads the file at every look at its clock: it must never see half of it.
    await writeFile(`${file}.next`, `${byMs < 0 ? '' : '+'}${Math.round(byMs / 1000)}s`);
    await rename(`${file}.next`, file);
  };
  await step(0);
  return {
    env: {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    step,
    [Symbol.asyncDispose]: () => rm(folder, {recursive: true}),
  };
}
