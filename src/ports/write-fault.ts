import {dirname} from 'node:path';
import {DaemonError, foreseenReason, systemCodeOf} from '../errors.ts';

const SUBJECT = 'cannot write ';

/** APPLY, for a file of HAProxy's under KONTROL_DATA that cannot be written: which one, why, and what to do. */
export const writeFault = (path: string, cause: unknown): DaemonError =>
  new DaemonError('APPLY', describeUnwritten(path, cause), {cause});

/** DATA, for a folder under KONTROL_DATA that a start needs. */
export const folderFault = (path: string, cause: unknown): DaemonError =>
  new DaemonError('DATA', `cannot use ${path}: ${adviceOn(path, cause)}`, {cause});

/** A file that the daemon keeps for its successor, and cannot write. */
export interface Unwritten {
  readonly reason: string;
  /** Epoch ms. */
  readonly sinceAt: number;
}

export const describeUnwritten = (path: string, cause: unknown): string =>
  `${SUBJECT}${path}: ${adviceOn(path, cause)}`;

/** Each try has the same words, so that they count as one: none names a temporary file. */
export function adviceOn(path: string, cause: unknown): string {
  const reason = foreseenReason(cause).replace(CALL, '').replace(` ${path}`, '');
  switch (systemCodeOf(cause)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `${reason}; make room in KONTROL_DATA`;
    case 'EROFS':
      return `${reason}; mount KONTROL_DATA so that it can be written`;
    case 'EACCES':
    case 'EPERM':
      return `${reason}; give it, and the folder that it is in, to the user of this process (UID ${process.getuid?.()})`;
    case 'EEXIST':
      return 'it is not a folder; remove it, and it is made again';
    case 'ENOTDIR':
      return `${dirname(path)} is not a folder; remove it, and it is made again`;
    case 'EISDIR':
      return 'a folder has its name; remove that folder, and the file is written again';
    default:
      return reason;
  }
}

/** How the words of a system error end: with the call, and with the files that it was for. */
const CALL = /(?:, \w+)?(?: '.*')?$/s;

/** Whether the words for a pass that failed are those: neither a template nor a pod can be the cause. */
export const tellsOfWriteFault = (said: string): boolean => said.startsWith(SUBJECT);
