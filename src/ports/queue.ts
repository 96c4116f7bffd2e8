/** Works one at a time, in the order of the calls; none waits for what came after it. */
export interface Queue {
  /** Resolves or rejects as `work` does, once all that was added before has ended; a rejection is its caller's alone. */
  add<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Resolves when all that was added so far has ended, however it ended. */
  settled(): Promise<void>;
}

/** An empty queue. Holds nothing back: what is added to it runs at once, in a microtask. */
export function createQueue(): Queue {
  let last: Promise<void> = Promise.resolve();
  return {
    add(work) {
      const result = last.then(work);
      last = result.then(
        () => {},
        () => {},
      );
      return result;
    },
    settled: () => last,
  };
}
