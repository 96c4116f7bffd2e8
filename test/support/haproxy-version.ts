import {execFileSync} from 'node:child_process';
import {parseVersion} from '../../src/proxy/version.ts';
import {isAtLeast} from '../../src/reload/capabilities.ts';
import {haproxyBinary, missing} from './parts.ts';

/** Whether the HAProxy under test is at least this one; false where there is none. */
export const haproxyIsAtLeast = (major: number, minor: number): boolean =>
  !missing('haproxy') && isAtLeast(parseVersion(execFileSync(haproxyBinary, ['-v'], {encoding: 'utf8'})), major, minor);
