import type {Job} from '../jobs/job.ts';
import type {Clock} from '../ports/clock.ts';
import {FINISH, type StagedGeneration, TERMINATE} from './generation.ts';

/*
 * INVARIANTS
 * - Every HAProxy we started or adopted is `current`, among `outgoing`, or a candidate inside one `apply`.
 * - Only `current` is restarted when it dies; the others end: by themselves, at `maxAgeMs`, or when more than
 *   `maxCount` of them drain, the oldest first.
 */

/** The generations that have a process: the one that serves, and those that finish their connections. */
export interface GenerationSet {
  readonly current: StagedGeneration | undefined;
  /** All of them, the oldest first, `current` last. */
  all(): StagedGeneration[];
  /** Those that were told to go and have not gone. */
  finishing(): StagedGeneration[];
  /** Those that were not told to go. */
  listening(): StagedGeneration[];
  has(generation: StagedGeneration): boolean;
  /** Makes it the one that serves; the one before goes among the outgoing. */
  promote(generation: StagedGeneration): void;
  /** Tells it to finish its connections and go, unless its successor has told it by `-sf`. */
  retire(generation: StagedGeneration, by?: 'us' | 'successor'): void;
  /** Its process is gone; true when it was an outgoing one. */
  drop(generation: StagedGeneration): boolean;
  draining(): {readonly pid: number; readonly generation: number; readonly sinceMs: number}[];
}

export function createGenerationSet(
  clock: Clock,
  {maxAgeMs, maxCount}: {readonly maxAgeMs: number; readonly maxCount: number},
): GenerationSet {
  let current: StagedGeneration | undefined;
  let outgoing: StagedGeneration[] = [];
  const all = () => [...outgoing, ...(current === undefined ? [] : [current])];

  /** A second TERM would put off the KILL. */
  const terminated = new WeakSet<StagedGeneration>();
  const capCount = () => {
    const surplus = outgoing.slice(0, Math.max(0, outgoing.length - maxCount));
    for (const generation of surplus.filter(one => !terminated.has(one))) {
      terminated.add(generation);
      generation.supervisor.stop(TERMINATE);
    }
  };

  return {
    get current() {
      return current;
    },
    all,
    finishing: () => outgoing.filter(({supervisor}) => supervisor.job.is === 'STOPPING'),
    listening: () => all().filter(({supervisor}) => isListening(supervisor.job)),
    has: generation => all().includes(generation),
    promote(generation) {
      if (current !== undefined && isAlive(current.supervisor.job)) outgoing = [...outgoing, current];
      current = generation;
      generation.promote();
      capCount();
    },
    retire(generation, by = 'us') {
      if (generation !== current && !outgoing.includes(generation)) outgoing = [...outgoing, generation];
      const sent = by === 'successor' ? FINISH : undefined;
      generation.supervisor.stop([{signal: FINISH, graceMs: maxAgeMs}, ...TERMINATE], sent);
      capCount();
    },
    drop(generation) {
      const isOutgoing = outgoing.includes(generation);
      outgoing = outgoing.filter(one => one !== generation);
      return isOutgoing;
    },
    draining: () =>
      outgoing.flatMap(({number, supervisor}) => {
        const {child, job} = supervisor;
        if (child === undefined || job.is !== 'STOPPING') return [];
        return [{pid: child.pid, generation: number, sinceMs: Math.round(clock.nowMs() - job.sinceMs)}];
      }),
  };
}

/** A dead one that waits for its restart will listen again. */
const isListening = (job: Job): boolean => job.is === 'STARTING' || job.is === 'RUNNING' || job.is === 'BACKOFF';

const isAlive = (job: Job): boolean => isListening(job) || job.is === 'STOPPING';
