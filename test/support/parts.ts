import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {homedir} from 'node:os';
import {delimiter, dirname, join} from 'node:path';

/**
 * The real things that suites run against. A suite that lacks one fails in CI (`CI` is set) and is skipped elsewhere,
 * saying what it missed: pass the result as the `skip` option of `describe` or `test`.
 */
export type Part =
  | 'root'
  | 'haproxy'
  | 'newer haproxy'
  | 'iptables'
  | 'netns'
  | 'jinja2'
  | 'faketime'
  | 'etcd'
  | 'socat'
  | 'nc'
  | 'apiserver'
  | 'openssl'
  | 'chromium'
  | 'promtool'
  | 'shellcheck'
  | 'kustomize'
  | 'helm'
  | 'images';

const onPath = (name: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, name)));

const succeeds = (file: string, args: string[]): boolean => {
  try {
    execFileSync(file, args, {stdio: 'ignore', timeout: 10_000});
    return true;
  } catch {
    return false;
  }
};

/** The HAProxy binary under test: `KONTROL_HAPROXY`, else the one on PATH. */
export const haproxyBinary = process.env.KONTROL_HAPROXY ?? 'haproxy';

/** What is brought or built once, outside the repository. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'haproxy-kontrol');

/** The newest HAProxy that Debian has, which test/install.sh brings. */
export const newerHaproxyBinary = join(CACHE, 'newer-haproxy', 'haproxy');

const ownKubectl = join(CACHE, 'kubectl');

/** The one that test/install.sh brings where the machine's own can't build our manifests; else that. */
export const kubectlBinary = existsSync(ownKubectl) ? ownKubectl : 'kubectl';

/** Which test/install.sh brings. */
export const helmBinary = join(CACHE, 'helm');

/** Where test/kubernetes/build-apiserver.sh leaves its work. */
export const apiserverBinary = join(CACHE, 'kube-apiserver');

/** Whether build-apiserver.sh is at work: it holds a lock for as long as it is. */
export const isApiserverBeingBuilt = (): boolean => {
  const lock = join(dirname(apiserverBinary), 'build.lock');
  return existsSync(lock) && !succeeds('flock', ['--nonblock', lock, 'true']);
};

/** Debian's interpreter: the one that python3-jinja2 belongs to. */
export const pythonBinary = '/usr/bin/python3';

/** Jinja2 3.1.6, which test/install.sh brings: what templates are held to, beside Debian's older one. */
export const newerJinjaFolder = join(CACHE, 'jinja2-3.1.6');

/** Debian's browser. */
export const chromiumBinary = '/usr/bin/chromium';

/** From Debian's `prometheus` package; test/verify.sh takes only this program out of it. */
export const promtoolBinary = process.env.KONTROL_PROMTOOL ?? 'promtool';

/** Where docker/test/images.sh has this run's images built; undefined when nobody asked for them. */
export const imagesFolder = process.env.KONTROL_IMAGES;

/** How that went: `built`, `refused: WHY` or `failed: WHY`; undefined while they are being built. */
export function imagesOutcome(): string | undefined {
  if (imagesFolder === undefined) return 'refused: `npm run verify` and `npm run verify:images` build them';
  const file = join(imagesFolder, 'outcome');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

const imagesRefusal = (): string | undefined => /^refused: (.*)/s.exec(imagesOutcome() ?? '')?.[1];

/** Components are younger than the kustomize in Debian 12's kubectl. */
const hasKustomize = (): boolean => {
  try {
    const version = execFileSync(kubectlBinary, ['version', '--client'], {encoding: 'utf8', timeout: 10_000});
    return Number(/Kustomize Version: v(\d+)/.exec(version)?.[1] ?? 0) >= 5;
  } catch {
    return false;
  }
};

const PROBES: Record<Part, () => boolean> = {
  root: () => process.getuid?.() === 0,
  haproxy: () => succeeds(haproxyBinary, ['-v']),
  'newer haproxy': () => succeeds(newerHaproxyBinary, ['-v']),
  iptables: () => onPath('iptables-restore') && succeeds('iptables', ['-w', '-S']),
  netns: () => succeeds('unshare', ['--net', 'ip', 'link', 'show']),
  jinja2: () => succeeds(pythonBinary, ['-c', 'import jinja2']),
  faketime: () => onPath('faketime'),
  etcd: () => succeeds('etcd', ['--version']),
  socat: () => onPath('socat'),
  nc: () => succeeds('sh', ['-c', 'nc -h 2>&1 | grep -q -- -U']),
  apiserver: () => onPath('etcd') && (existsSync(apiserverBinary) || isApiserverBeingBuilt()),
  openssl: () => onPath('openssl'),
  chromium: () => existsSync(chromiumBinary),
  promtool: () => succeeds(promtoolBinary, ['--version']),
  shellcheck: () => onPath('shellcheck'),
  kustomize: hasKustomize,
  helm: () => succeeds(helmBinary, ['version']),
  images: () => imagesRefusal() === undefined,
};

const named = (part: Part): string => (part === 'images' ? `images (${imagesRefusal()})` : part);

export function missing(...parts: Part[]): string | false {
  const lacking = parts.filter(part => !PROBES[part]());
  if (lacking.length === 0) return false;
  const message = `real parts missing: ${lacking.map(named).join(', ')}`;
  if (process.env.CI) throw new Error(message);
  return message;
}

/** HAProxy can be built without OpenSSL: its TLS is then another binary's to test, in CI too. */
export function haproxyLacksTls(): string | false {
  try {
    const built = execFileSync(haproxyBinary, ['-vv'], {encoding: 'utf8', timeout: 10_000});
    return /^Built with OpenSSL version/m.test(built) ? false : `${haproxyBinary} was built without OpenSSL`;
  } catch {
    return `${haproxyBinary} cannot be run`;
  }
}
