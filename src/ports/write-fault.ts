import {dirname} from 'node:path';
import {DaemonError, foreseenReason, reasonOf, systemCodeOf} from '../errors.ts';

const SUBJECT = 'cannot write ';

/** APPLY, for a file of HAProxy's under KONTROL_DATA that cannot be written: which one, why, and what to do. */
export const writeFault = (path: string, cause: unknown): DaemonError =>
  new DaemonError('APPLY', `${SUBJECT}${path}: ${adviceOn(path, cause)}`, {cause});

function adviceOn(path: string, cause: unknown): string {
  switch (systemCodeOf(cause)) {
    case 'ENOSPC':
      return `${reasonOf(cause)}; make room in KONTROL_DATA`;
    case 'ENOTDIR':
      return `${dirname(path)} is not a folder; remove it, and it is made again`;
    case 'EISDIR':
      return `a folder has its name; remove that folder, and the file is written again`;
    default:
      return foreseenReason(cause);
  }
}

/** Whether the words for a pass that failed are those: neither a template nor a pod can be the cause. */
export const tellsOfWriteFault = (said: string): boolean => said.startsWith(SUBJECT);
