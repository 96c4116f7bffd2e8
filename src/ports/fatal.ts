import type {Logger} from 'pino';
import {EXIT_CODES} from '../errors.ts';

export interface FatalPorts {
  readonly log: Pick<Logger, 'fatal'>;
  /** Writes out what was logged so far. */
  readonly flush: () => void;
}

/**
 * From now on an error that nobody took, thrown or rejected with, ends the process: it is a bug of ours, and what runs on
 * after one cannot be trusted. One `fatal` line, exit code 1 (docs/exit-codes.md), and nothing is cleaned up: HAProxy,
 * a process of its own, serves on, and the next daemon takes it over as after a SIGKILL.
 */
export function installFatal({log, flush}: FatalPorts): void {
  const end = (event: string) => (err: unknown) => {
    try {
      log.fatal({event, err}, 'a bug ended the daemon, HAProxy serves on: start it again, and report this line');
      flush();
    } finally {
      process.exit(EXIT_CODES.UNEXPECTED);
    }
  };
  process.on('uncaughtException', end('uncaughtException')).on('unhandledRejection', end('unhandledRejection'));
}
