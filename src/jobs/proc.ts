import {readdir, readFile, readlink, stat} from 'node:fs/promises';
import {setPriority} from 'node:os';
import {join} from 'node:path';
import {DaemonError, reasonOf, systemCodeOf} from '../errors.ts';
import {isBusy} from '../proxy/sockets.ts';
import {orAbsent, readWaitingSockets} from './proc-files.ts';

/** A process for good: PIDs are reused, but not with the same start time (clock ticks since boot). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

export interface FoundProcess {
  readonly identity: ProcessIdentity;
  readonly args: readonly string[];
}

/** What a process is at, and has done so far. */
export interface Activity {
  /** `R` runs or waits for a CPU, `S` sleeps, `T` is stopped, `D` waits for a disk. */
  readonly state: string;
  /** CPU time of all its threads, to 10 ms. */
  readonly cpuMs: number;
}

/** What the kernel says of processes and their sockets. Source: proc(5). */
export interface ProcessTable {
  /** Undefined when the process is gone or a zombie. */
  identify(pid: number): Promise<ProcessIdentity | undefined>;
  /** Undefined when the process is gone or a zombie. */
  activity(pid: number): Promise<Activity | undefined>;
  /** How often its first thread went to sleep of itself, as a server does that has done all there was; 0 when it is gone. */
  sleeps(pid: number): Promise<number>;
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
  /**
   * A question about the sockets that a process LISTENs on now, cheap however many connections it has: is one of them
   * still open there? Rejects as `listeningPorts` does; the question never rejects.
   */
  watchListeners(pid: number): Promise<() => Promise<boolean>>;
  /** True when a listener on one of `ports`, in our own network namespace, has a handshake pending or an accept queue. */
  hasPendingHandshakes(ports: readonly number[]): Promise<boolean>;
  /** Sends a signal if the identity still holds; false when the process is gone. */
  signal(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean>;
  /**
   * Has a process give way to others when the CPU is short, every thread of it (Linux's niceness is a thread's).
   * Rejects when the process is gone or belongs to somebody else.
   */
  giveWay(pid: number): Promise<void>;
}

/** A tenth of the CPU time of a process at 0, where there is not enough for all. */
const LOW_NICENESS = 10;

/** Positions in /proc/PID/stat behind the command's name: fields 3, 14, 15 and 22. */
const STATE_FIELD = 0;
const USER_TIME_FIELD = 11;
const SYSTEM_TIME_FIELD = 12;
const START_FIELD = 19;

/** Linux counts 100 of them in a second on every machine (USER_HZ). */
const TICK_MS = 10;

/** The same for two paths exactly when they lead to one folder; undefined when there is none, or none we may see. */
const folderId = (path: string): Promise<string | undefined> =>
  stat(path).then(
    ({dev, ino}) => `${dev}:${ino}`,
    () => undefined,
  );

/** Opens the process table at `root`, which has the layout of proc(5). */
export function openProcessTable(root = '/proc'): ProcessTable {
  const isAlive = async ({pid, startTicks}: ProcessIdentity): Promise<boolean> =>
    (await identify(root, pid))?.startTicks === startTicks;
  return {
    identify: pid => identify(root, pid),
    activity: pid => readActivity(root, pid),
    sleeps: pid => readSleeps(root, pid),
    isAlive,
    findByArguments: matches => findByArguments(root, matches),

    async seesFolder(pid, folder) {
      const [theirs, ours] = await Promise.all([folderId(join(root, `${pid}`, 'root', folder)), folderId(folder)]);
      return theirs !== undefined && theirs === ours;
    },

    async listeningPorts(pid) {
      const ports = new Set((await findListeners(root, pid)).map(({port}) => port));
      return [...ports].sort((a, b) => a - b);
    },

    async watchListeners(pid) {
      const listeners = await findListeners(root, pid);
      return async () => (await Promise.all(listeners.map(isOpen))).includes(true);
    },

    hasPendingHandshakes: ports => hasPendingHandshakes(root, new Set(ports)),

    async signal(identity, signal) {
      if (!(await isAlive(identity))) return false;
      try {
        return process.kill(identity.pid, signal);
      } catch (error) {
        if (systemCodeOf(error) === 'ESRCH') return false;
        throw error;
      }
    },

    async giveWay(pid) {
      for (const thread of await readdir(join(root, `${pid}`, 'task'))) setPriority(Number(thread), LOW_NICENESS);
    },
  };
}

const socketTables = (root: string, owner: number | 'self'): string[] =>
  ['net/tcp', 'net/tcp6'].map(table => join(root, `${owner}`, table));

async function identify(root: string, pid: number): Promise<ProcessIdentity | undefined> {
  const fields = await readStat(root, pid);
  return fields && {pid, startTicks: Number(fields[START_FIELD])};
}

async function readActivity(root: string, pid: number): Promise<Activity | undefined> {
  const fields = await readStat(root, pid);
  if (fields === undefined) return undefined;
  const ticks = Number(fields[USER_TIME_FIELD]) + Number(fields[SYSTEM_TIME_FIELD]);
  return {state: fields[STATE_FIELD] ?? '', cpuMs: ticks * TICK_MS};
}

async function readSleeps(root: string, pid: number): Promise<number> {
  const status = await orAbsent(readFile(join(root, `${pid}`, 'status'), 'latin1'), '');
  return Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1] ?? 0);
}

/** The fields of /proc/PID/stat behind the command's name; undefined when the process is gone or a zombie. */
async function readStat(root: string, pid: number): Promise<readonly string[] | undefined> {
  const line = await orAbsent(readFile(join(root, `${pid}`, 'stat'), 'latin1'), undefined);
  // The command's name, in parentheses, may hold blanks and parentheses itself.
  const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || /[ZXx]/.test(fields[STATE_FIELD] ?? 'X') ? undefined : fields;
}

async function readArguments(root: string, pid: number): Promise<string[]> {
  const line = await orAbsent(readFile(join(root, `${pid}`, 'cmdline'), 'utf8'), '');
  return line === '' ? [] : line.replace(/\0$/, '').split('\0');
}

async function findByArguments(root: string, matches: (args: readonly string[]) => boolean): Promise<FoundProcess[]> {
  const found: FoundProcess[] = [];
  for (const name of await readdir(root)) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const args = await readArguments(root, pid);
    if (args.length === 0 || !matches(args)) continue;
    const identity = await identify(root, pid);
    if (identity !== undefined) found.push({identity, args});
  }
  return found;
}

/** A listening socket, and where the descriptor of its process shows it. */
interface Listener {
  readonly port: number;
  readonly inode: number;
  readonly path: string;
}

/** The sockets of a process: where each descriptor shows, by inode. */
async function findSockets(root: string, pid: number): Promise<Map<number, string>> {
  const folder = join(root, `${pid}`, 'fd');
  const paths = (await orAbsent(readdir(folder), [])).map(name => join(folder, name));
  const links = await Promise.all(paths.map(path => orAbsent(readlink(path), '')));
  return new Map(links.map((link, index) => [Number(/^socket:\[(\d+)\]$/.exec(link)?.[1]), paths[index] ?? '']));
}

async function readListeners(root: string, pid: number): Promise<Listener[]> {
  const paths = await findSockets(root, pid);
  const listeners: Listener[] = [];
  for (const table of socketTables(root, pid)) {
    for await (const sockets of readWaitingSockets(table)) {
      const listening = sockets.filter(socket => socket.state === 'LISTEN');
      if (listening.length === 0) break;
      for (const {inode, localPort: port} of listening) {
        const path = paths.get(inode);
        if (path !== undefined) listeners.push({port, inode, path});
      }
    }
  }
  return listeners;
}

async function findListeners(root: string, pid: number): Promise<Listener[]> {
  try {
    return await readListeners(root, pid);
  } catch (error) {
    if ((await identify(root, pid)) === undefined) return [];
    throw new DaemonError('APPLY', `cannot read listeners of process ${pid}: ${reasonOf(error)}`, {cause: error});
  }
}

const isOpen = ({path, inode}: Listener): Promise<boolean> =>
  readlink(path).then(
    link => link === `socket:[${inode}]`,
    () => false,
  );

async function hasPendingHandshakes(root: string, ports: ReadonlySet<number>): Promise<boolean> {
  for (const path of socketTables(root, 'self')) {
    for await (const sockets of readWaitingSockets(path)) {
      if (sockets.some(socket => ports.has(socket.localPort) && isBusy(socket))) return true;
    }
  }
  return false;
}
