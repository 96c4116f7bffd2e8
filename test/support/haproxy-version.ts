import {execFileSync} from 'node:child_process';
import {parseVersion, type Version} from '../../src/proxy/version.ts';
import {isAtLeast} from '../../src/reload/capabilities.ts';
import {haproxyBinary, missing} from './parts.ts';

const versionOf = (binary: string): Version => parseVersion(execFileSync(binary, ['-v'], {encoding: 'utf8'}));

/** Whether the HAProxy under test, or another, is at least this one; false where there is none. */
export const haproxyIsAtLeast = (major: number, minor: number, binary = haproxyBinary): boolean =>
  !(binary === haproxyBinary && missing('haproxy')) && isAtLeast(versionOf(binary), major, minor);

/**
 * Whether HAProxy itself tells of a frontend that was told to listen no more: 2.3 calls it open, and so do 2.4 to 2.6 as
 * they first came out (HAProxy's issue 1626). Of these, 2.6.6 and later are known to tell.
 */
export const haproxyTellsOfPaused = (binary = haproxyBinary): boolean => {
  if (binary === haproxyBinary && missing('haproxy')) return false;
  const version = versionOf(binary);
  return isAtLeast(version, 2, 6, 6) || !isAtLeast(version, 2, 3);
};
