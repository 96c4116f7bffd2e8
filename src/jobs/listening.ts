import {opendir, readdir, readFile, readlink} from 'node:fs/promises';
import {join} from 'node:path';
import {yieldToLoop} from '../ports/event-loop.ts';
import {type ListeningSocket, parseListeningSockets, type SocketOwner} from '../proxy/sockets.ts';
import {orAbsent, readTableHead} from './proc-files.ts';

/** What listens in our own network namespace, and who has it open. Source: proc(5). */
export interface ListeningTable {
  /** Cheap however many connections there are. */
  listening(): Promise<ListeningSocket[]>;
  /** The inodes of a process's sockets; none when it is gone. Rejects when they may not be read. */
  socketsOf(pid: number): Promise<ReadonlySet<number>>;
  /** The first process that can be seen to have a socket open. Looks at all there are. */
  findOwner(inode: number): Promise<SocketOwner | undefined>;
}

const inodeOf = (link: string): number => Number(/^socket:\[(\d+)\]$/.exec(link)?.[1]);

/** Opens the tables below `root`, which has the layout of proc(5). */
export function openListeningTable(root = '/proc'): ListeningTable {
  const socketsOf = async (pid: number): Promise<ReadonlySet<number>> => {
    const folder = join(root, `${pid}`, 'fd');
    const inodes = new Set<number>();
    const entries = await orAbsent(opendir(folder), undefined);
    for await (const {name} of entries ?? []) {
      inodes.add(inodeOf(await orAbsent(readlink(join(folder, name)), '')));
      if (inodes.size % 1000 === 0) await yieldToLoop();
    }
    return inodes;
  };
  return {
    async listening() {
      const heads = await Promise.all(['tcp', 'tcp6'].map(table => readTableHead(join(root, 'self/net', table))));
      return heads.flatMap(parseListeningSockets);
    },
    socketsOf,
    async findOwner(inode) {
      for (const name of await readdir(root)) {
        if (!/^\d+$/.test(name)) continue;
        const pid = Number(name);
        const inodes = await socketsOf(pid).catch(() => undefined);
        if (inodes?.has(inode) !== true) continue;
        const line = await orAbsent(readFile(join(root, name, 'cmdline'), 'utf8'), '');
        return {pid, args: line.replace(/\0$/, '').split('\0')};
      }
      return undefined;
    },
  };
}
