/** How often a condition is looked at, unless said otherwise. */
const POLL_MS = 25;

/** Only a fault takes this long: a busy machine slows everything down, and no test may fail of it. */
const DEFAULT_TIMEOUT_MS = 40_000;

export interface Waiting {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  /** What a person needs to see when the wait was in vain. */
  readonly evidence?: () => string;
}

/**
 * Polls until `condition` gives something truthy, and returns that. A condition that throws ends the wait at once.
 * When time is up it throws `cannot see <what>: not within N ms`, followed by the evidence.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what: string,
  {timeoutMs = DEFAULT_TIMEOUT_MS, everyMs = POLL_MS, evidence}: Waiting = {},
): Promise<Exclude<T, false | undefined | null | 0 | ''>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const seen = await condition();
    if (seen) return seen as Exclude<T, false | undefined | null | 0 | ''>;
    if (performance.now() > deadlineMs) {
      throw new Error(
        `cannot see ${what}: not within ${timeoutMs} ms${evidence === undefined ? '' : `\n${evidence()}`}`,
      );
    }
    await new Promise(resolve => setTimeout(resolve, everyMs));
  }
}

/** Polls for so long; whether the condition came to hold. */
export async function isSeen(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) return false;
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
  return true;
}
