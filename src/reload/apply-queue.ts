import {CutShort} from '../errors.ts';
import {createQueue} from '../ports/queue.ts';
import type {Generations} from './generations.ts';

/** What changes the proxy, one at a time: a pass and a `restart haproxy` of somebody's own never apply at once. */
export interface ApplyQueue extends Pick<Generations, 'apply' | 'drain'> {
  /** Drains for good: a start that is under way is given up, and a candidate that comes later refused, whoever waited for its place. */
  end: Generations['drain'];
}

export function createApplyQueue({apply, drain}: Pick<Generations, 'apply' | 'drain'>): ApplyQueue {
  const queue = createQueue();
  const ended = new AbortController();
  return {
    apply: (candidate, options = {}) =>
      queue.add(async () => {
        ended.signal.throwIfAborted();
        const signals = [ended.signal, ...(options.signal ? [options.signal] : [])];
        return apply(candidate, {...options, signal: AbortSignal.any(signals)});
      }),
    drain: (graceMs, skip) => queue.add(() => drain(graceMs, skip)),
    end(graceMs, skip) {
      ended.abort(new CutShort('APPLY', 'cannot apply a configuration: the daemon stops'));
      return queue.add(() => drain(graceMs, skip));
    },
  };
}
