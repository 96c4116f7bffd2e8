import {execFileSync} from 'node:child_process';
import {parseVersion, type Version} from '../../src/proxy/version.ts';
import {isAtLeast} from '../../src/reload/capabilities.ts';
import {haproxyBinary, missing} from './parts.ts';

const versionOf = (binary: string): Version => parseVersion(execFileSync(binary, ['-v'], {encoding: 'utf8'}));

/** Whether the HAProxy under test, or another, is at least this one; false where there is none. */
export const haproxyIsAtLeast = (major: number, minor: number, binary = haproxyBinary): boolean =>
  !(binary === haproxyBinary && missing('haproxy')) && isAtLeast(versionOf(binary), major, minor);
