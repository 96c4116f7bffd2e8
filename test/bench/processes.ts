import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {basename} from 'node:path';

/** A process and its children that run a program of this name. */
export function kinOf(pid: number, program: string): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return [pid, ...children].filter(each => basename(readlinkSync(`/proc/${each}/exe`)) === program);
}

/** The memory of a process in MiB, of what it shares with others its part: the kernel's PSS. */
export function proportionalMiB(pid: number): number {
  const [, kib = 'NaN'] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** The CPU time of all threads of a process so far in ms, to the nanosecond: at idle a clock tick is much. */
export function cpuTimeMs(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const ns = tasks.map(task => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]));
  return ns.reduce((sum, each) => sum + each, 0) / 1e6;
}
