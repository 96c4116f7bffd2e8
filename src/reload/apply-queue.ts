import {DaemonError} from '../errors.ts';
import {createQueue} from '../ports/queue.ts';
import type {Generations} from './generations.ts';

/** What changes the proxy, one at a time: a pass and a `restart haproxy` of somebody's own never apply at once. */
export interface ApplyQueue extends Pick<Generations, 'apply' | 'drain'> {
  /** Drains for good: a candidate that comes later is refused with APPLY, whoever waited for its place. */
  end: Generations['drain'];
}

export function createApplyQueue({apply, drain}: Pick<Generations, 'apply' | 'drain'>): ApplyQueue {
  const queue = createQueue();
  let hasEnded = false;
  return {
    apply: (candidate, options) =>
      queue.add(async () => {
        if (!hasEnded) return apply(candidate, options);
        throw new DaemonError('APPLY', `cannot apply generation ${candidate.generation}: the daemon stops`);
      }),
    drain: (graceMs, skip) => queue.add(() => drain(graceMs, skip)),
    end(graceMs, skip) {
      hasEnded = true;
      return queue.add(() => drain(graceMs, skip));
    },
  };
}
