import {readdir} from 'node:fs/promises';
import {setPriority} from 'node:os';

/** A tenth of the CPU time of a process at 0, where there is not enough for all. */
const DRAINING_NICENESS = 10;

/**
 * Has a process give way (every thread of it: Linux's niceness is a thread's). A draining HAProxy that shares its
 * listening sockets is woken for every connection that waits there, though it takes none (RELOAD, "Inherited listener");
 * when the CPU is short, that would keep the new one from taking them, which wakes the old one the more. Rejects when
 * the process is gone or belongs to somebody else.
 */
export async function giveWay(pid: number, root = '/proc'): Promise<void> {
  for (const thread of await readdir(`${root}/${pid}/task`)) setPriority(Number(thread), DRAINING_NICENESS);
}
