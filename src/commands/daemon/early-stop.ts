import {openDataFolder} from '../../config/data-folder.ts';
import {foreseenReason} from '../../errors.ts';
import {openProcessTable} from '../../jobs/proc.ts';
import {superviseJob} from '../../jobs/supervisor.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {Log} from '../../ports/log.ts';
import {drainUnadopted} from '../../reload/unadopted.ts';

/**
 * A stop before the daemon took over what an earlier one left running: that is drained all the same. Nothing is where the
 * folder cannot be locked (`isLocked`: it is already): another daemon runs on it. True when nothing had to be cut.
 */
export async function stopEarly(
  {
    dataFolder,
    graceMs,
    skip,
    log,
  }: {
    readonly dataFolder: string;
    readonly graceMs: number;
    readonly skip: AbortSignal;
    readonly log: Log;
  },
  isLocked: boolean,
): Promise<boolean> {
  const lock = isLocked
    ? undefined
    : await openDataFolder(dataFolder).catch(fault => {
        log.info({reason: foreseenReason(fault)}, 'no HAProxy of an earlier daemon is looked for');
        return 'refused' as const;
      });
  if (lock === 'refused') return true;
  await using _held = lock;
  const ports = {dataFolder, clock, files, log, processes: openProcessTable(), supervise: superviseJob};
  return await drainUnadopted(ports, graceMs, skip);
}
