import {DaemonError} from '../errors.ts';
import type {Job} from '../jobs/job.ts';

/** What ends the daemon: HAProxy died too often in a row. */
export function fatalError({exit, failures}: Job & {is: 'FATAL'}): DaemonError {
  const end = exit.signal ?? `exit code ${exit.code ?? 'unknown'}`;
  return new DaemonError(
    'PROXY',
    `cannot keep HAProxy running: it died ${failures} times in a row, last by ${end}: see proxy.out in KONTROL_DATA`,
  );
}
