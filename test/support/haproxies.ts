import {haproxyBinary, missing, newerHaproxyBinary, type Part} from './parts.ts';

/** A HAProxy that a suite of interest to its version runs on; `skip` says why it can't here (in CI that throws). */
export interface Haproxy {
  readonly name: string;
  readonly binary: string;
  readonly skip: string | false;
}

/** The machine's own and the newest of Debian; only the one that `KONTROL_HAPROXY` names where it does. `parts` are needed beside. */
export function haproxiesUnderTest(...parts: Part[]): Haproxy[] {
  const own = {name: 'HAProxy', binary: haproxyBinary, skip: missing('haproxy', ...parts)};
  if (process.env.KONTROL_HAPROXY !== undefined) return [own];
  return [own, {name: 'the newest HAProxy', binary: newerHaproxyBinary, skip: missing('newer haproxy', ...parts)}];
}
