/** Time as a parameter. Deadlines use `nowMs` only; a step of the wall clock moves nothing. */
export interface Clock {
  /** Monotonic milliseconds since some moment; only differences mean anything. */
  nowMs(): number;
  /** Wall clock in epoch milliseconds: for records and people, never for a deadline. */
  epochMs(): number;
  /** Calls `call` once, not before `delayMs` have passed by `nowMs`; the returned function cancels it, also when it is too late. */
  after(delayMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  after(delayMs, call) {
    // Node counts whole milliseconds from a start that it rounds down, so a timer comes up to 1 ms early by `nowMs`: too
    // early for whoever then looks whether the deadline has passed.
    const timer = setTimeout(call, delayMs > 0 ? Math.ceil(delayMs) + 1 : 0);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`; rejects with the signal's reason as soon as `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, {once: true});
  });
}

/** Resolves after `delayMs`, or as soon as `signal` aborts: who waits looks at the signal next. Never rejects. */
export const pause = (clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> =>
  sleep(clock, delayMs, signal).catch(() => {});

/** Resolves as `awaited` does, or with undefined as soon as `limitMs` have passed or `signal` aborts. Leaves no timer behind. */
export async function within<Result>(
  clock: Clock,
  limitMs: number,
  awaited: Promise<Result>,
  signal?: AbortSignal,
): Promise<Result | undefined> {
  const settled = new AbortController();
  const ended = signal === undefined ? settled.signal : AbortSignal.any([settled.signal, signal]);
  try {
    return await Promise.race([awaited, pause(clock, limitMs, ended).then(() => undefined)]);
  } finally {
    settled.abort();
  }
}

/**
 * Resolves or rejects as `awaited` does; rejects with the signal's reason as soon as it aborts. What is awaited goes on,
 * and reaches nobody then.
 */
export async function unlessAborted<Result>(awaited: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const settled = new AbortController();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, {once: true, signal: settled.signal});
  try {
    return await Promise.race([awaited, aborted.promise]);
  } finally {
    settled.abort();
  }
}
