import {rethrowBug} from '../errors.ts';
import type {ListeningTable} from '../jobs/listening.ts';
import {type Clock, pause} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {describeListeningSocket, type ListeningSocket, type SharedBind, takesFrom} from '../proxy/sockets.ts';

export interface SharedBindPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly table: ListeningTable;
  /** The HAProxy that serves, and all other processes that are ours; undefined while that is being changed. */
  readonly processes: () => {readonly serving: number; readonly others: readonly number[]} | undefined;
  /** Whether HAProxy's `:::port` takes no connections of IPv4 (`v6only`). */
  readonly isV6Only: (port: number) => boolean;
  /** Whether a process with these arguments is a HAProxy of ours, such as a child of the one that serves. */
  readonly isOurs: (args: readonly string[]) => boolean;
}

/** Looks now and then whether others listen where HAProxy does. */
export interface SharedBindWatch {
  readonly shared: readonly SharedBind[];
}

const PERIOD_MS = 10_000;

/** Seen once, it may be a process of ours that has just been started. */
const TOLD_AFTER = 2;

interface Stranger {
  readonly bind: SharedBind;
  readonly looks: number;
}

const isTold = (stranger: Stranger | undefined): boolean => stranger !== undefined && stranger.looks >= TOLD_AFTER;

/** Looks every 10 s until the signal aborts. Off where the descriptors of HAProxy may not be read. */
export function watchSharedBinds(ports: SharedBindPorts, signal: AbortSignal): SharedBindWatch {
  const {clock, log} = ports;
  let strangers: ReadonlyMap<number, Stranger> = new Map();
  const look = createLook(ports);
  const run = async (): Promise<void> => {
    for (;;) {
      await pause(clock, PERIOD_MS, signal);
      if (signal.aborted) return;
      strangers = await look(strangers).catch(err => {
        rethrowBug(err);
        log.debug({err}, 'who listens where HAProxy does cannot be seen');
        return new Map();
      });
    }
  };
  void run();
  return {
    get shared() {
      return [...strangers.values()].filter(isTold).map(({bind}) => bind);
    },
  };
}

type Strangers = ReadonlyMap<number, Stranger>;

function createLook({table, processes, isOurs, isV6Only}: SharedBindPorts): (before: Strangers) => Promise<Strangers> {
  /** Of the HAProxy that serves: a listener is looked up once. */
  let known: {readonly pid: number; readonly inodes: ReadonlySet<number>} | undefined;
  const readOurs = async (serving: number, others: readonly number[]): Promise<ReadonlySet<number>> => {
    const all = await Promise.all([serving, ...others].map(pid => table.socketsOf(pid)));
    return new Set(all.flatMap(inodes => [...inodes]));
  };
  return async before => {
    const now = processes();
    if (now === undefined) return before;
    const {serving, others} = now;
    const listening = await table.listening();
    const findUnknown = (ours: ReadonlySet<number>): ListeningSocket[] => {
      const binds = listening.filter(({inode}) => ours.has(inode));
      return listening.filter(
        one => !ours.has(one.inode) && binds.some(bind => takesFrom(one, bind, () => isV6Only(bind.port))),
      );
    };
    const isNew = known?.pid !== serving || findUnknown(known.inodes).some(({inode}) => !isTold(before.get(inode)));
    if (isNew || known === undefined) known = {pid: serving, inodes: await readOurs(serving, others)};
    const strangers = new Map<number, Stranger>();
    for (const socket of findUnknown(known.inodes)) {
      const stranger = before.get(socket.inode);
      const owner = stranger === undefined ? await table.findOwner(socket.inode) : stranger.bind.owner;
      if (owner !== undefined && isOurs(owner.args)) continue;
      const bind = {address: describeListeningSocket(socket), owner};
      strangers.set(socket.inode, {bind, looks: (stranger?.looks ?? 0) + 1});
    }
    return strangers;
  };
}
