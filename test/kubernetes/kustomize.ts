import {execFileSync} from 'node:child_process';

/** Components are younger than the kustomize in Debian's kubectl. */
export function kustomizeLacks(): string | false {
  try {
    const version = execFileSync('kubectl', ['version', '--client'], {encoding: 'utf8', timeout: 10_000});
    const [, major = '0'] = /Kustomize Version: v(\d+)/.exec(version) ?? [];
    return Number(major) >= 5 ? false : 'this kubectl has no kustomize 5';
  } catch {
    return 'there is no kubectl';
  }
}
