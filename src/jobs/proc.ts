import {readdir, readFile, readlink, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {DaemonError, reasonOf, systemCodeOf} from '../errors.ts';
import {isBusy} from '../proxy/sockets.ts';
import {orAbsent, readSocketRows} from './proc-files.ts';

/** A process for good: PIDs are reused, but not with the same start time (clock ticks since boot). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

export interface FoundProcess {
  readonly identity: ProcessIdentity;
  readonly args: readonly string[];
}

/** What the kernel says of processes and their sockets. Source: proc(5). */
export interface ProcessTable {
  /** Undefined when the process is gone or a zombie. */
  identify(pid: number): Promise<ProcessIdentity | undefined>;
  /** True while the very process runs; a zombie does not. */
  isAlive(identity: ProcessIdentity): Promise<boolean>;
  /** The processes whose arguments (the program's name first) satisfy `matches`. */
  findByArguments(matches: (args: readonly string[]) => boolean): Promise<FoundProcess[]>;
  /** True when `folder` is for that process the very folder it is for us, not one of the same name in its own root. */
  seesFolder(pid: number, folder: string): Promise<boolean>;
  /**
   * The TCP ports a process LISTENs on, ascending; none when it is gone. Rejects with APPLY when its descriptors may not
   * be read: it runs as another user and we lack CAP_SYS_PTRACE.
   */
  listeningPorts(pid: number): Promise<number[]>;
  /** True when no listener on `ports`, in our own network namespace, has a handshake pending or an accept queue. */
  isQuiet(ports: readonly number[]): Promise<boolean>;
  /** Sends a signal if the identity still holds; false when the process is gone. */
  signal(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean>;
}

/** Positions in /proc/PID/stat behind the command's name: fields 3 and 22. */
const STATE_FIELD = 0;
const START_FIELD = 19;

/** The same for two paths exactly when they lead to one folder; undefined when there is none, or none we may see. */
const folderId = (path: string): Promise<string | undefined> =>
  stat(path).then(
    ({dev, ino}) => `${dev}:${ino}`,
    () => undefined,
  );

/** Opens the process table at `root`, which has the layout of proc(5). */
export function openProcessTable(root = '/proc'): ProcessTable {
  const at = (...names: (string | number)[]) => join(root, ...names.map(String));
  const socketTables = (owner: number | string) => [at(owner, 'net/tcp'), at(owner, 'net/tcp6')];

  const identify = async (pid: number): Promise<ProcessIdentity | undefined> => {
    const line = await orAbsent(readFile(at(pid, 'stat'), 'latin1'), undefined);
    // The command's name, in parentheses, may hold blanks and parentheses itself.
    const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ');
    if (fields === undefined || /[ZXx]/.test(fields[STATE_FIELD] ?? 'X')) return undefined;
    return {pid, startTicks: Number(fields[START_FIELD])};
  };

  const isAlive = async ({pid, startTicks}: ProcessIdentity): Promise<boolean> =>
    (await identify(pid))?.startTicks === startTicks;

  const readArguments = async (pid: number): Promise<string[]> => {
    const line = await orAbsent(readFile(at(pid, 'cmdline'), 'utf8'), '');
    return line === '' ? [] : line.replace(/\0$/, '').split('\0');
  };

  const socketInodes = async (pid: number): Promise<Set<number>> => {
    const folder = at(pid, 'fd');
    const names = await orAbsent(readdir(folder), []);
    const links = await Promise.all(names.map(name => orAbsent(readlink(join(folder, name)), '')));
    return new Set(links.map(link => Number(/^socket:\[(\d+)\]$/.exec(link)?.[1])));
  };

  const readListeningPorts = async (pid: number): Promise<number[]> => {
    const inodes = await socketInodes(pid);
    const ports = new Set<number>();
    for (const path of socketTables(pid)) {
      for await (const rows of readSocketRows(path)) {
        const listening = rows.filter(row => row.state === 'LISTEN');
        for (const row of listening) if (inodes.has(row.inode)) ports.add(row.localPort);
        if (listening.length < rows.length) break;
      }
    }
    return [...ports].sort((a, b) => a - b);
  };

  return {
    identify,
    isAlive,

    async findByArguments(matches) {
      const found: FoundProcess[] = [];
      for (const name of await readdir(root)) {
        if (!/^\d+$/.test(name)) continue;
        const pid = Number(name);
        const args = await readArguments(pid);
        if (args.length === 0 || !matches(args)) continue;
        const identity = await identify(pid);
        if (identity !== undefined) found.push({identity, args});
      }
      return found;
    },

    async seesFolder(pid, folder) {
      const [theirs, ours] = await Promise.all([folderId(at(pid, 'root', folder)), folderId(folder)]);
      return theirs !== undefined && theirs === ours;
    },

    async listeningPorts(pid) {
      try {
        return await readListeningPorts(pid);
      } catch (error) {
        if ((await identify(pid)) === undefined) return [];
        throw new DaemonError('APPLY', `cannot read listeners of process ${pid}: ${reasonOf(error)}`, {cause: error});
      }
    },

    async isQuiet(ports) {
      const gated = new Set(ports);
      for (const path of socketTables('self')) {
        for await (const rows of readSocketRows(path)) {
          if (rows.some(row => gated.has(row.localPort) && isBusy(row))) return false;
        }
      }
      return true;
    },

    async signal(identity, signal) {
      if (!(await isAlive(identity))) return false;
      try {
        return process.kill(identity.pid, signal);
      } catch (error) {
        if (systemCodeOf(error) === 'ESRCH') return false;
        throw error;
      }
    },
  };
}
