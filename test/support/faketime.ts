import {existsSync, readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';

const SHARED_MEMORY = '/dev/shm';
const NAME = /^(?:faketime_shm|sem\.faketime_sem)_(\d+)$/;

/**
 * Removes what processes under libfaketime left that were killed: another one that is given the same PID would refuse to
 * start ("sem_open: File exists").
 */
export function sweepFaketime(): void {
  for (const name of readdirSync(SHARED_MEMORY)) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(SHARED_MEMORY, name), {force: true});
  }
}
