import {DaemonError, EXIT_CODES} from '../errors.ts';

/** Tells on stderr why a command failed, at length, and returns its exit code. Rethrows what is no DaemonError. */
export function reportFailure(error: unknown): number {
  if (!(error instanceof DaemonError)) throw error;
  process.stderr.write(`haproxy-kontrol: ${error.message}\n`);
  if (error.detail !== undefined) process.stderr.write(`${error.detail.trimEnd()}\n`);
  return EXIT_CODES[error.code];
}
