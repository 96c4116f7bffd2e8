import {CutShort, type DaemonError} from '../../errors.ts';

/** What ends the daemon. */
export interface Ending {
  /** Resolves when a stop is asked for; rejects with a fatal fault. */
  readonly reached: Promise<void>;
  /** Aborts when a stop is asked for. */
  readonly asked: AbortSignal;
  /** Aborts when the waits of a stop are to be cut short. */
  readonly skip: AbortSignal;
  /** Between two steps of the start: throws the fatal fault, or the reason of `asked`, once there is one. */
  throwIfReached(): void;
  /** A stop, as a first signal asks for it. */
  ask(): void;
  fail(error: DaemonError): void;
}

/** The signals of a process, or of a test. */
export interface Signals {
  on(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): unknown;
}

/** A first signal asks for a stop, a second one skips the stop's waits; a fatal fault ends the daemon at once. */
export function openEnding(signals: Signals): Ending {
  const ended = Promise.withResolvers<void>();
  // Awaited only once the daemon serves; until then its fault waits here.
  ended.promise.catch(() => {});
  const asked = new AbortController();
  const skip = new AbortController();
  let fault: DaemonError | undefined;
  const onStop = () => {
    if (asked.signal.aborted) skip.abort();
    asked.abort(new CutShort('LIFECYCLE', 'a stop was asked for'));
    ended.resolve();
  };
  signals.on('SIGTERM', onStop);
  signals.on('SIGINT', onStop);
  // Before there is a configuration to look at again, a SIGHUP is no reason to die.
  signals.on('SIGHUP', () => {});
  return {
    reached: ended.promise,
    asked: asked.signal,
    skip: skip.signal,
    throwIfReached() {
      if (fault !== undefined) throw fault;
      asked.signal.throwIfAborted();
    },
    // Asked for twice over the control socket, it is still one stop, with all its waits.
    ask() {
      if (!asked.signal.aborted) onStop();
    },
    fail(error) {
      fault ??= error;
      ended.reject(error);
    },
  };
}
