import type {Activity, ProcessTable} from '../jobs/proc.ts';
import {type Clock, pause} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {END, type StagedGeneration} from './generation.ts';
import {type Hang, isStarved, OWN_PAUSE_MS, STARVED_PERIODS} from './liveness.ts';

/*
 * INVARIANT
 * - One that was told to go has clients only while it makes progress: stopped, or deaf on a connection that it has, it
 *   holds them up until KONTROL_DRAIN. A sleep proves nothing: one whose clients are idle sleeps up to a minute.
 */

/** What is seen of a HAProxy that finishes its connections. */
interface Seen {
  readonly pid: number;
  readonly atMs: number;
  /** How many answers it gave to whoever follows it; undefined when nobody does. */
  readonly answers: number | undefined;
  /** Undefined where it cannot be seen. */
  readonly activity: Activity | undefined;
}

/** Gives the first of all sights in a row since which there was no progress; `seen` itself where there was some. Pure. */
export function quietSince(first: Seen | undefined, seen: Seen): Seen {
  const isDeaf = seen.answers !== undefined || seen.activity?.state === 'T';
  return isDeaf && first?.pid === seen.pid && first.answers === seen.answers ? first : seen;
}

/** Whether what was seen from `first` to `last` is a hang. Pure. */
export function isStuck(first: Seen, last: Seen, hangMs: number): boolean {
  const quietMs = last.atMs - first.atMs;
  if (quietMs < hangMs) return false;
  return !isStarved(first.activity, last.activity, quietMs) || quietMs >= STARVED_PERIODS * hangMs;
}

export interface DrainWatchPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly processes: Pick<ProcessTable, 'activity'>;
  /** Those that were told to go and have not gone. */
  readonly finishing: () => readonly StagedGeneration[];
  readonly answersOf: (pid: number) => number | undefined;
  /** No progress for so long is a hang; 0 switches all of this off. */
  readonly hangMs: number;
  /** It is being ended. */
  readonly onHang: (hang: Hang) => void;
}

const PERIOD_MS = 2000;

/** Ends those that finish their connections and hang, until `signal` aborts. */
export async function watchDrains(ports: DrainWatchPorts, signal: AbortSignal): Promise<void> {
  const {clock, processes, hangMs} = ports;
  if (hangMs === 0) return;
  let firsts = new Map<StagedGeneration, Seen>();
  const ended = new WeakSet<StagedGeneration>();
  let lookedMs = clock.nowMs();
  while (!signal.aborted) {
    const atMs = clock.nowMs();
    // Answers may lie there unread when it was us who slept.
    if (atMs - lookedMs > PERIOD_MS + OWN_PAUSE_MS) firsts = new Map();
    lookedMs = atMs;
    const next = new Map<StagedGeneration, Seen>();
    for (const generation of ports.finishing()) {
      const {child} = generation.supervisor;
      if (child === undefined || ended.has(generation)) continue;
      const activity = await processes.activity(child.pid).catch(() => undefined);
      const seen = {pid: child.pid, atMs, answers: ports.answersOf(child.pid), activity};
      const first = quietSince(firsts.get(generation), seen);
      next.set(generation, first);
      if (!isStuck(first, seen, hangMs)) continue;
      ended.add(generation);
      endStuck(generation, {pid: child.pid, silentMs: Math.round(atMs - first.atMs)}, ports);
    }
    firsts = next;
    await pause(clock, PERIOD_MS, signal);
  }
}

function endStuck(
  {number, supervisor}: StagedGeneration,
  {pid, silentMs}: Pick<Hang, 'pid' | 'silentMs'>,
  {log, onHang}: DrainWatchPorts,
): void {
  const hang = {generation: number, pid, silentMs, restarts: false};
  log.warn(hang, 'an old generation hangs while it finishes its connections: ending it');
  supervisor.stop(END);
  onHang(hang);
}
