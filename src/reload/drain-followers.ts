import {DaemonError, reasonOf} from '../errors.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {parseInfo, parseStat, type Row} from '../proxy/answers.ts';
import type {Conversation} from '../proxy/conversation.ts';
import type {StagedGeneration} from './generation.ts';

/** As much of a HAProxy that is told to finish as its followers need. */
type Leaving = {
  readonly paths: Pick<StagedGeneration['paths'], 'socket'>;
  readonly supervisor: {
    readonly job: Pick<StagedGeneration['supervisor']['job'], 'is'>;
    readonly child: {readonly pid: number} | undefined;
  };
};

export interface DrainFollowersPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Rejects with PROXY. */
  readonly converse: (socket: string) => Promise<Conversation>;
  /** What the process has counted so far. */
  readonly onRows: (pid: number, rows: readonly Row[]) => void;
}

/**
 * Hears what HAProxys count while they finish their connections: one that was told to go takes no new questions, but
 * answers on a connection that it has. HAProxy 1.7 tells nothing of proxies that it has stopped.
 */
export interface DrainFollowers {
  /** The processes that are followed. */
  readonly pids: readonly number[];
  /** How many connections a process had when it was last heard; undefined when it is not followed. */
  connectionsOf(pid: number): number | undefined;
  /** Before they are told to go. Resolves once each was heard, or cannot be; they go, or `letGo` is called. */
  follow(leaving: readonly Leaving[]): Promise<void>;
  /** They were not told to go after all. */
  letGo(leaving: readonly Leaving[]): void;
  close(): void;
}

/** Until it is told to go, each look may be the last one. */
const SOON_MS = 100;
const PERIOD_MS = 1000;

/** Frontends and backends: their number does not grow with the pods. */
const TRAFFIC = 'show stat -1 3 -1';

/** Nobody answers, or nonsense: HAProxy's fault, and the end of it. */
const isTheirs = (error: unknown): boolean => error instanceof DaemonError && error.code === 'PROXY';

export function createDrainFollowers(ports: DrainFollowersPorts): DrainFollowers {
  const followed = new Map<number, Conversation>();
  const connections = new Map<number, number>();

  const stop = (pid: number | undefined): void => {
    if (pid === undefined) return;
    followed.get(pid)?.close();
    followed.delete(pid);
    connections.delete(pid);
  };

  const followOne = async (one: Leaving): Promise<void> => {
    const {job, child} = one.supervisor;
    if (child === undefined || job.is !== 'RUNNING' || followed.has(child.pid)) return;
    try {
      const conversation = await ports.converse(one.paths.socket);
      followed.set(child.pid, conversation);
      ports.onRows(child.pid, parseStat(await conversation.ask('show stat')));
      const {pid} = child;
      const noteConnections = (count: number) => void connections.set(pid, count);
      void listen(one, pid, conversation, {...ports, noteConnections}).finally(() => stop(pid));
    } catch (error) {
      stop(child.pid);
      if (!isTheirs(error)) throw error;
      ports.log.debug({pid: child.pid, reason: reasonOf(error)}, 'what an old HAProxy counts cannot be followed');
    }
  };

  return {
    get pids() {
      return [...followed.keys()];
    },
    connectionsOf: pid => connections.get(pid),
    async follow(leaving) {
      await Promise.all(leaving.map(followOne));
    },
    letGo(leaving) {
      for (const {supervisor} of leaving) stop(supervisor.child?.pid);
    },
    close() {
      for (const pid of [...followed.keys()]) stop(pid);
    },
  };
}

/** Until it has no connections left, or answers no more. */
async function listen(
  {supervisor}: Leaving,
  pid: number,
  conversation: Conversation,
  {clock, onRows, noteConnections}: DrainFollowersPorts & {readonly noteConnections: (count: number) => void},
): Promise<void> {
  try {
    for (;;) {
      const isGoing = supervisor.job.is !== 'RUNNING';
      await sleep(clock, isGoing ? PERIOD_MS : SOON_MS);
      // Our own connection is none of them, and HAProxy waits for it.
      const left = isGoing ? Number(parseInfo(await conversation.ask('show info')).get('CurrConns')) : undefined;
      if (left !== undefined && !Number.isNaN(left)) noteConnections(left);
      const isDrained = left === 0;
      onRows(pid, parseStat(await conversation.ask(isDrained ? 'show stat' : TRAFFIC)));
      if (isDrained) return;
    }
  } catch (error) {
    if (!isTheirs(error)) throw error;
  }
}
