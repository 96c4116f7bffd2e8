import {type Backoff, deriveBackoffMs} from '../ports/backoff.ts';

/**
 * The first try after a failure comes soon: an API server that restarts is back within seconds. An outage of hours
 * costs each watch two requests a minute.
 */
const BACKOFF: Backoff = {firstMs: 500, maxMs: 30_000};

/**
 * How long to wait after the n-th failure in a row (from 1): doubling up to 30 s, the upper half at random, so that the
 * watches of many pods do not come back in step. `random` is from 0 to 1.
 */
export const deriveDelayMs = (failures: number, random: number): number =>
  Math.round(deriveBackoffMs(failures, BACKOFF) * (0.5 + random / 2));

/** What asking again soon does not mend: a permission or a resource that is not there. */
export const isLasting = (status: number | undefined): boolean => status === 403 || status === 404;

/** How long to wait after a failure that lasts. */
export const LASTING_MS = BACKOFF.maxMs;
