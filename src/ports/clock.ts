/** Time as a parameter. Deadlines use `nowMs` only; a step of the wall clock moves nothing. */
export interface Clock {
  /** Monotonic milliseconds since some moment; only differences mean anything. */
  nowMs(): number;
  /** Wall clock in epoch milliseconds: for records and people, never for a deadline. */
  epochMs(): number;
  /** Calls `call` once after `delayMs`; the returned function cancels it, also when it is too late. */
  after(delayMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, Math.max(0, delayMs));
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
