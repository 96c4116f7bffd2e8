import {readFileSync} from 'node:fs';
import {hostname} from 'node:os';
import {resolve} from 'node:path';
import {DaemonError} from '../errors.ts';
import type {LogLevel} from '../ports/log-level.ts';
import type {LogFormat, PodSettings} from './config.ts';
import {
  DEFAULT_STATUS_PORT,
  findMisspelt,
  type ParsedConfig,
  parseConfig,
  parseGrace,
  parseLogFormat,
  parseMode,
  parseRenderSettings,
  parseStatusPort,
  type RenderSettings,
} from './parse.ts';
import {type Host, parsePodSettings} from './pod.ts';
import {createReader} from './reader.ts';
import {DEFAULT_SOCKET} from './scripting.ts';

/** What a command that renders without a daemon takes from the environment. */
export const loadRenderSettings = (): RenderSettings => parseRenderSettings(process.env);

type Environment = Readonly<Record<string, string | undefined>>;

const host: Host = {
  hostname: hostname(),
  resolvePath: path => resolve(path),
  readText(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
};

/** What must be known before the pod's facts, and with them the configuration, can be. */
export interface Preliminaries {
  readonly env: Environment;
  readonly pod: PodSettings;
  readonly mode: {readonly master: boolean; readonly slave: boolean};
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly dataFolder: string;
  readonly graceMs: number;
}

/** Reads the process's environment, once: the only file that touches it. Faults are left for `loadConfig` to report. */
export function loadPreliminaries(): Preliminaries {
  const env = process.env;
  const reader = createReader(env);
  return {
    env,
    pod: parsePodSettings(reader, host),
    ...parseMode(reader),
    logFormat: parseLogFormat(reader),
    dataFolder: host.resolvePath(reader.text('KONTROL_DATA') ?? '/data'),
    graceMs: parseGrace(reader),
  };
}

/** The configuration out of the environment and the pod's facts as variables. Throws as `parseConfig` does. */
export const loadConfig = (env: Environment, facts: Readonly<Record<string, string>>): ParsedConfig =>
  parseConfig({...env, ...facts}, host);

/** What of the environment is nearly a setting, and not read. */
export const loadMisspelt = (): string[] => findMisspelt(process.env, host);

/** Where commands find the status port of the daemon in this pod, or on this machine. Throws USAGE where it is no port. */
export const loadStatusUrl = (): string => {
  const reader = createReader(process.env);
  const port = parseStatusPort(reader);
  const [fault] = reader.faults;
  if (fault !== undefined) throw new DaemonError('USAGE', `cannot find the status port: ${fault}; set it, or --url`);
  return `http://127.0.0.1:${port === 0 ? DEFAULT_STATUS_PORT : port}`;
};

/** The operators' token as commands find it: itself, or the file that the daemon in this pod reads it from. */
export const loadOperatorToken = (): {readonly token: string | undefined; readonly file: string | undefined} => ({
  token: process.env.HAPROXY_KONTROL_TOKEN?.trim() || undefined,
  file: process.env.KONTROL_TOKEN_FILE?.trim() || undefined,
});

/** Where `ctl` finds the daemon: as the daemon itself was told, or as a shell block is. */
export const loadSocketPath = (): string => process.env.KONTROL_SOCKET || process.env.SOCKET || DEFAULT_SOCKET;
