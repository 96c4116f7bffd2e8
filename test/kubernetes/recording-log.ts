import type {Log} from '../../src/ports/log.ts';

export interface LoggedLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that a test reads. */
export function createRecordingLog(): {readonly log: Log; readonly lines: readonly LoggedLine[]} {
  const lines: LoggedLine[] = [];
  const write =
    (level: string) =>
    (fields: unknown, message = ''): void =>
      void lines.push({level, fields: fields as LoggedLine['fields'], message});
  const log = {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
  return {log: log as unknown as Log, lines};
}
