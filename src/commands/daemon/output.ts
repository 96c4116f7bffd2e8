import type {Preliminaries} from '../../config/load.ts';
import {type OpenedLog, openLog} from '../../ports/log.ts';
import {LOG_LEVELS} from '../../ports/log-level.ts';
import {prettyLine} from '../../ports/pretty.ts';
import {createRecentLines, type RecentLines} from '../../ports/recent-lines.ts';
import type {LineSink} from '../../proxy/access-log.ts';
import {createKnownSecrets, type KnownSecrets} from '../../proxy/known-secrets.ts';

/** What `/logs` can show of our own log and of HAProxy's. */
const RECENT = {lines: 1000, characters: 4096};

/** The log, and what stands behind it. */
export interface Output {
  readonly opened: OpenedLog;
  readonly sink: LineSink;
  /** What of configurations and templates nobody may read in it. */
  readonly secrets: KnownSecrets;
  readonly recent: {readonly daemon: RecentLines; readonly access: RecentLines};
}

/** The daemon's log, written to `sink` as the settings want it, its last lines kept. */
export function openOutput(
  {logLevel, logFormat}: Pick<Preliminaries, 'logLevel' | 'logFormat'>,
  sink: Output['sink'],
): Output {
  const recent = {
    daemon: createRecentLines(RECENT.lines, RECENT.characters),
    access: createRecentLines(RECENT.lines, RECENT.characters),
  };
  const secrets = createKnownSecrets();
  const opened = openLog(logLevel, {
    write(written) {
      const line = secrets.hideInLine(written);
      recent.daemon.add(line);
      // A terminal has none where NO_COLOR is set.
      const isColored = process.stdout.hasColors?.() === true;
      sink.write(logFormat === 'pretty' ? `${prettyLine(line, isColored)}\n` : line);
    },
  });
  return {opened, sink, secrets, recent};
}

/** `SET KONTROL_LOG_LEVEL debug` on the control socket. */
const LOG_LEVEL_VARIABLE = 'KONTROL_LOG_LEVEL';

/** Takes a variable that sets the level; what is wrong when it names none. Others are let through. */
export function takeLogLevel({setLevel}: Pick<OpenedLog, 'setLevel'>, name: string, value: string): string | undefined {
  if (name !== LOG_LEVEL_VARIABLE) return undefined;
  const level = LOG_LEVELS.find(one => one === value.trim());
  if (level === undefined) return `it is one of ${LOG_LEVELS.join(', ')}`;
  setLevel(level);
  return undefined;
}
