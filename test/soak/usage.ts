import {execFileSync} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import type {Place} from '../support/place.ts';
import {haproxiesOf} from '../support/processes.ts';

/** What a daemon and what belongs to it hold at one moment. */
export interface Usage {
  readonly atMs: number;
  readonly rssKib: number;
  readonly descriptors: number;
  /** Command lines of its live children. */
  readonly children: readonly string[];
  readonly zombies: number;
  readonly haproxies: number;
  /** Rules of the SYN gate in the pod's namespace, both families. */
  readonly rules: readonly string[];
  /** In the data folder, but for the history. */
  readonly files: readonly string[];
  readonly historyFiles: number;
  /** In the folder for temporary files. */
  readonly temporary: readonly string[];
}

export interface Watched {
  readonly pid: number;
  readonly dataFolder: string;
  readonly temporaryFolder: string;
  readonly place: Place;
  /** PATH, so that the same iptables is asked that the daemon uses. */
  readonly path: string;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** Whether a process is a zombie, and whose child it is (proc(5)). */
function statOf(pid: number): {state: string; parent: number} {
  const [state = '', parent = '0'] = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
  return {state, parent: Number(parent)};
}

function childrenOf(parent: number): {live: string[]; zombies: number} {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && statOf(pid).parent === parent);
  const zombies = pids.filter(pid => statOf(pid).state === 'Z').length;
  return {live: pids.map(pid => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()).filter(Boolean), zombies};
}

/** Rules of the SYN gate in the pod's namespace, both families. */
export function rulesOf({place, path}: Pick<Watched, 'place' | 'path'>): string[] {
  return ['iptables', 'ip6tables'].flatMap(tool => {
    const [file = '', ...args] = place.exec([tool, '-w', '-S']);
    const rules = execFileSync(file, args, {encoding: 'utf8', env: {...process.env, PATH: path}});
    return rules.split('\n').filter(rule => rule.includes('KONTROL'));
  });
}

/** Measures; what is only just ending may still be seen. */
export function loadUsage(watched: Watched): Usage {
  const {pid, dataFolder, temporaryFolder} = watched;
  const {live, zombies} = childrenOf(pid);
  const names = readdirSync(dataFolder, {recursive: true}).map(String).sort();
  const isHistory = (name: string) => name.startsWith('history');
  return {
    atMs: Date.now(),
    rssKib: Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    children: live,
    zombies,
    haproxies: haproxiesOf(dataFolder).length,
    rules: rulesOf(watched),
    files: names.filter(name => !isHistory(name)),
    historyFiles: names.filter(isHistory).length,
    temporary: readdirSync(temporaryFolder, {recursive: true}).map(String),
  };
}
