import type {Steps} from '../steps.ts';

/** Lets everything else that is due come first: pings, timers, sockets. */
export const yieldToLoop = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** All steps, with everything else that is due in between (`atOnce` has no pause). Rejects with what a step throws. */
export async function stepByStep<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const {done, value} = steps.next();
    if (done) return value;
    await yieldToLoop();
  }
}
