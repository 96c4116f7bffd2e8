/** The first try after a failure comes soon: an API server that restarts is back within seconds. */
const FIRST_MS = 500;

/** An outage of hours costs each watch two requests a minute. */
const MAX_MS = 30_000;

/**
 * How long to wait after the n-th failure in a row (from 1): doubling up to 30 s, the upper half at random, so that the
 * watches of many pods do not come back in step. `random` is from 0 to 1.
 */
export function deriveDelayMs(failures: number, random: number): number {
  const fullMs = Math.min(MAX_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(fullMs * (0.5 + random / 2));
}

/** What asking again soon does not mend: a permission or a resource that is not there. */
export const isLasting = (status: number | undefined): boolean => status === 403 || status === 404;

/** How long to wait after a failure that lasts. */
export const LASTING_MS = MAX_MS;
