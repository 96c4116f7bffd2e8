import {readdirSync, readFileSync} from 'node:fs';
import {waitFor} from './wait.ts';

/** A process's arguments or environment as one text; empty when it is gone. */
function readProcess(pid: number, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Whether a process lives: a zombie, which only waits for whoever is PID 1 here, does not. */
export const isRunning = (pid: number | string | undefined): boolean => readProcess(Number(pid), 'cmdline') !== '';

/** The PIDs (never our own) of the live processes whose arguments or environment name `folder`; zombies have neither. */
export function processesOf(folder: string): number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter(pid => pid > 0 && pid !== process.pid);
  return pids.filter(
    pid => readProcess(pid, 'cmdline').includes(folder) || readProcess(pid, 'environ').includes(folder),
  );
}

/** Those of `processesOf(folder)` that are HAProxy: their arguments name a configuration in the folder. */
export const haproxiesOf = (folder: string): number[] =>
  processesOf(folder).filter(pid => {
    const args = readProcess(pid, 'cmdline').split('\0');
    return args.includes('-f') && args.some(arg => arg.startsWith(folder)) && !args.includes('-c');
  });

/** Kills processes of the test's own; those that ended by themselves meanwhile are fine. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {}
  }
}

/** Kills all of `processesOf(folder)` and waits until there are none, whoever starts more of them meanwhile. */
export async function endProcessesOf(folder: string): Promise<void> {
  const none = () => {
    const pids = processesOf(folder);
    killAll(pids);
    return pids.length === 0;
  };
  await waitFor(none, `the end of all processes of ${folder}`);
}
