import {DaemonError} from '../errors.ts';

/** `text` is the whole version, a distribution's suffix included: `2.6.12-1+deb12u4`. */
export interface Version {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Parses what `haproxy -v` prints: `HA-Proxy version 1.7.5 2017/04/03`, since 2.4 `HAProxy version 2.6.12-…`. */
export function parseVersion(stdout: string): Version {
  const [, text, major, minor, patch = '0'] = /^HA-?Proxy version ((\d+)\.(\d+)(?:\.(\d+))?\S*)/m.exec(stdout) ?? [];
  if (text === undefined) {
    throw new DaemonError('HAPROXY', 'cannot parse version of haproxy: no line starts with "HAProxy version"', {
      detail: stdout,
    });
  }
  return {text, major: Number(major), minor: Number(minor), patch: Number(patch)};
}

/** Major and minor version as one number: 1.7, 2.6. HAProxy's minor versions have one digit. */
export type Release = number;

export const releaseOf = ({major, minor}: Version): Release => Number(`${major}.${minor}`);

/** Parses the build that `haproxy -vv` prints: `linux-glibc USE_PCRE2=1 USE_OPENSSL=1`. Empty where it prints none. */
export const parseBuild = (stdout: string): string =>
  ['TARGET', 'OPTIONS']
    .flatMap(name => new RegExp(`^\\s*${name}\\s*=[ \\t]*(.*)$`, 'm').exec(stdout)?.[1]?.trim() || [])
    .join(' ');
