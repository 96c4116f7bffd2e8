import {type DestinationStream, type Logger, pino} from 'pino';
import type {LogLevel} from './log-level.ts';

/**
 * What a room may log with: a constant message, values in fields (docs/CONTRIBUTING.md#logs: `room generation reason
 * member app ip members digest from to event pid exitCode signal attempt delayMs durationMs err`), one line per
 * transition.
 */
export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error'>;

/** Never written, whoever logs an object that has them. */
const SECRETS = ['token', '*.token', 'authorization', '*.authorization', 'password', '*.password'];

export interface OpenedLog {
  readonly log: Logger;
  room(name: string): Log;
  readonly level: LogLevel;
  /** From now on, for every room. */
  setLevel(level: LogLevel): void;
}

/** The process's root logger: one JSON object a line, times as epoch milliseconds. `room(name)` gives a room its own. */
export function openLog(level: LogLevel, destination: DestinationStream): OpenedLog {
  const log = pino({level, base: null, redact: {paths: SECRETS, censor: '***'}}, destination);
  const rooms = new Map<string, Logger>();
  let current = level;
  return {
    log,
    room(name) {
      const room = rooms.get(name) ?? log.child({room: name});
      rooms.set(name, room);
      return room;
    },
    get level() {
      return current;
    },
    setLevel(next) {
      current = next;
      for (const logger of [log, ...rooms.values()]) logger.level = next;
    },
  };
}
