import type {DaemonError} from '../errors.ts';

/** What ends the daemon. */
export interface Ending {
  /** Resolves when a stop is asked for; rejects with a fatal fault. */
  readonly reached: Promise<void>;
  /** Aborts when a stop is asked for. */
  readonly asked: AbortSignal;
  readonly skip: AbortSignal;
  /** A stop, as a first signal asks for it. */
  ask(): void;
  fail(error: DaemonError): void;
}

/** What ends the daemon: a first signal asks for a stop, a second one skips the stop's waits; a fatal fault ends it. */
export function openEnd(): Ending {
  const ended = Promise.withResolvers<void>();
  // Awaited only once the daemon serves; until then its fault waits here.
  ended.promise.catch(() => {});
  const asked = new AbortController();
  const skip = new AbortController();
  const onStop = () => {
    if (asked.signal.aborted) skip.abort();
    asked.abort();
    ended.resolve();
  };
  process
    .on('SIGTERM', onStop)
    .on('SIGINT', onStop)
    .on('SIGHUP', () => {});
  return {
    reached: ended.promise,
    asked: asked.signal,
    skip: skip.signal,
    // Asked for twice over the control socket, it is still one stop, with all its waits.
    ask: () => {
      if (!asked.signal.aborted) onStop();
    },
    fail: error => ended.reject(error),
  };
}
