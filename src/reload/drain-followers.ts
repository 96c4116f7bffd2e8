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
  /** How many answers a process has given; undefined when it is not followed. */
  answersOf(pid: number): number | undefined;
  /** Before they are told to go. Resolves once each was heard, or cannot be; they go, or `letGo` is called. */
  follow(leaving: readonly Leaving[]): Promise<void>;
  /** They were not told to go after all. */
  letGo(leaving: readonly Leaving[]): void;
  close(): void;
}

/** Until it is told to go, each look may be the last one. */
const SOON_MS = 100;
const PERIOD_MS = 1000;

/** One that hangs is ended long before; one that is only slow is heard again. */
const ANSWER_LIMIT_MS = 3_600_000;

/** Frontends and backends: their number does not grow with the pods. */
const TRAFFIC = 'show stat -1 3 -1';

/** Nobody answers, or nonsense: HAProxy's fault, and the end of it. */
const isTheirs = (error: unknown): boolean => error instanceof DaemonError && error.code === 'PROXY';

/** A process that is followed. */
interface Followed {
  readonly conversation: Conversation;
  connections: number | undefined;
  answers: number;
}

export function createDrainFollowers(ports: DrainFollowersPorts): DrainFollowers {
  const followed = new Map<number, Followed>();

  const stop = (pid: number | undefined): void => {
    if (pid === undefined) return;
    followed.get(pid)?.conversation.close();
    followed.delete(pid);
  };

  const followOne = async (one: Leaving): Promise<void> => {
    const {job, child} = one.supervisor;
    if (child === undefined || job.is !== 'RUNNING' || followed.has(child.pid)) return;
    try {
      const conversation = await ports.converse(one.paths.socket);
      const it: Followed = {conversation, connections: undefined, answers: 0};
      followed.set(child.pid, it);
      ports.onRows(child.pid, parseStat(await conversation.ask('show stat')));
      const {pid} = child;
      void listen(one, pid, it, ports).finally(() => stop(pid));
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
    connectionsOf: pid => followed.get(pid)?.connections,
    answersOf: pid => followed.get(pid)?.answers,
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
  it: Followed,
  {clock, onRows}: DrainFollowersPorts,
): Promise<void> {
  const ask = async (command: string): Promise<string> => {
    const answer = await it.conversation.ask(command, ANSWER_LIMIT_MS);
    it.answers += 1;
    return answer;
  };
  try {
    for (;;) {
      const isGoing = supervisor.job.is !== 'RUNNING';
      await sleep(clock, isGoing ? PERIOD_MS : SOON_MS);
      // Our own connection is none of them, and HAProxy waits for it.
      const left = isGoing ? Number(parseInfo(await ask('show info')).get('CurrConns')) : undefined;
      if (left !== undefined && !Number.isNaN(left)) it.connections = left;
      const isDrained = left === 0;
      onRows(pid, parseStat(await ask(isDrained ? 'show stat' : TRAFFIC)));
      if (isDrained) return;
    }
  } catch (error) {
    if (!isTheirs(error)) throw error;
  }
}
