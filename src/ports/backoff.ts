/** Waits between tries that fail: `firstMs` after the first failure, doubling up to `maxMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** How long to wait after so many failures in a row, the first being 1. */
export const deriveBackoffMs = (failures: number, {firstMs, maxMs}: Backoff): number =>
  Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
