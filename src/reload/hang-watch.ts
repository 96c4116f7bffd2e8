import {type Clock, pause} from '../ports/clock.ts';
import type {StagedGeneration} from './generation.ts';
import type {Liveness} from './liveness.ts';

const PERIOD_MS = 2000;

/** Asks the generation that serves every 2 s whether it still answers, until `signal` aborts. */
export async function watchForHangs(
  {check}: Pick<Liveness, 'check'>,
  current: () => StagedGeneration | undefined,
  {clock, signal}: {readonly clock: Clock; readonly signal: AbortSignal},
): Promise<void> {
  while (!signal.aborted) {
    const generation = current();
    if (generation !== undefined) await check(generation, true);
    await pause(clock, PERIOD_MS, signal);
  }
}
