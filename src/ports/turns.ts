import type {Steps} from '../steps.ts';

/** Lets everything else that is due have its turn of the event loop. */
export const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** One step in each turn of the event loop: pings are answered in between. Rejects with what a step throws. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const {done, value} = steps.next();
    if (done) return value;
    await nextTurn();
  }
}
