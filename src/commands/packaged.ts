import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {DaemonError, reasonOf} from '../errors.ts';
import {parseManifest} from '../lifecycle/manifest.ts';
import type {Manifest} from '../lifecycle/spec.ts';
import {PACKAGE_ROOT} from '../package-root.ts';

/** The manifest that `KONTROL_LIFECYCLE` names, or the packaged one. Throws LIFECYCLE. */
export function loadManifest(given: string | undefined): Manifest {
  const path = given ?? fileURLToPath(new URL('lifecycle.yml', PACKAGE_ROOT));
  try {
    return parseManifest(readFileSync(path, 'utf8'), path);
  } catch (cause) {
    if (cause instanceof DaemonError) throw cause;
    throw new DaemonError('LIFECYCLE', `cannot read ${path} (KONTROL_LIFECYCLE): ${reasonOf(cause)}`, {cause});
  }
}

/** The version of this package, as `/status` and the metrics say it. */
export const loadPackageVersion = (): string =>
  JSON.parse(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')).version;
