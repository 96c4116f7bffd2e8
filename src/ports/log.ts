import {type DestinationStream, type Logger, pino} from 'pino';

/**
 * What a room may log with: a constant message, values in fields (STYLE names: `room generation reason member app ip
 * members digest from to event pid exitCode signal attempt delayMs durationMs err`), one line per transition.
 */
export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error'>;

export type LogLevel = 'trace' | 'debug' | 'info';

/** The process's root logger: one JSON object a line, times as epoch milliseconds. `room(name)` gives a room its own. */
export function openLog(level: LogLevel, destination: DestinationStream): {log: Logger; room(name: string): Log} {
  const log = pino({level, base: null}, destination);
  return {log, room: name => log.child({room: name})};
}
