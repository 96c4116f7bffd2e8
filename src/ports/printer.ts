import type {Writable} from 'node:stream';
import {systemCodeOf} from '../errors.ts';

/** What a command prints, to its last byte: a reader may be slow, or go away. */
export interface Printer {
  print(text: string): void;
  /** Aborts when the reader went away (`| head`): who would print for ever stops then. That is no failure. */
  readonly gone: AbortSignal;
  /** Resolves when all was taken, or nobody reads it any more. Rejects when it could not be written: a full disk, say. */
  settled(): Promise<void>;
}

/** Prints to what `open` gives, which is asked for with the first print: a daemon never touches its stdout by this. */
export function createPrinter(open: () => Writable): Printer {
  const reader = new AbortController();
  let stream: Writable | undefined;
  let fault: Error | undefined;

  const fail = (error: Error): void => {
    if (systemCodeOf(error) !== 'EPIPE') fault ??= error;
    reader.abort();
  };

  return {
    print(text) {
      stream ??= open().on('error', fail);
      if (!reader.signal.aborted) stream.write(text);
    },
    gone: reader.signal,
    async settled() {
      const written = Promise.withResolvers<void>();
      // Called once all before it was written, or has failed, which may be told here first.
      const done = (error?: Error | null): void => {
        if (error && !reader.signal.aborted) fail(error);
        written.resolve();
      };
      if (stream === undefined || reader.signal.aborted) done();
      else stream.write('', done);
      await written.promise;
      if (fault !== undefined) throw new Error(`cannot print: ${fault.message}`, {cause: fault});
    },
  };
}
