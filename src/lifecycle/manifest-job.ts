import {constants} from 'node:os';
import {type AutoRestart, JOB_DEFAULTS, type JobSpec} from '../jobs/spec.ts';
import {isStrings, type KeyCheck, withoutNulls, type YamlMapping} from './entry.ts';

/** The job that is always there: its start, stop and restart go through the generations. */
export const HAPROXY_JOB = 'haproxy';

/** What `jobs` holds in a manifest that does not say (one of 2017): supervisord's configuration was a file of its own. */
export const TELEGRAF_JOB: JobSpec = {
  ...JOB_DEFAULTS,
  name: 'telegraf',
  command: 'telegraf --config "$KONTROL_TELEGRAF_CONF"',
  autostart: false,
  autorestart: 'always',
  optional: true,
  mayFail: true,
};

const KEYS = [
  'name',
  'command',
  'autostart',
  'autorestart',
  'startsecs',
  'startretries',
  'stopsignal',
  'stopwaitsecs',
  'exitcodes',
  'optional',
];
const NAME = /^[0-9A-Za-z._-]{1,64}$/;
const MAX_SECONDS = 86_400;

/** One entry of `jobs`, with supervisord's names and defaults. Refuses what is wrong by line and key. */
export function parseJob(entry: YamlMapping, checkKeys: KeyCheck): JobSpec {
  checkKeys(entry, KEYS, 'a job');
  const value = withoutNulls(entry.value);
  const {name, command, autostart = JOB_DEFAULTS.autostart, optional = JOB_DEFAULTS.optional} = value;
  if (typeof name !== 'string' || !NAME.test(name) || name === 'all') {
    return entry.refuse('name', 'expected 1-64 of letters, digits, . _ -, other than "all"');
  }
  if (name === HAPROXY_JOB) entry.refuse('name', `"${HAPROXY_JOB}" is the daemon's own job: leave it out`);
  if (!isCommand(command)) {
    return entry.refuse('command', 'expected a line for /bin/sh, or a list of a program and its arguments');
  }
  if (typeof autostart !== 'boolean') return entry.refuse('autostart', 'expected true or false');
  if (typeof optional !== 'boolean') return entry.refuse('optional', 'expected true or false');
  const seconds = (key: 'startsecs' | 'stopwaitsecs', defaultMs: number): number => {
    const given = value[key];
    if (given === undefined) return defaultMs;
    if (typeof given === 'number' && given >= 0 && given <= MAX_SECONDS) return given * 1000;
    return entry.refuse(key, `expected a number of seconds from 0 to ${MAX_SECONDS}`);
  };
  return {
    name,
    command,
    autostart,
    autorestart: parseAutoRestart(entry, value.autorestart),
    startMs: seconds('startsecs', JOB_DEFAULTS.startMs),
    startretries: parseRetries(entry, value.startretries),
    stopsignal: parseSignal(entry, value.stopsignal),
    stopWaitMs: seconds('stopwaitsecs', JOB_DEFAULTS.stopWaitMs),
    exitcodes: parseExitCodes(entry, value.exitcodes),
    optional,
    mayFail: JOB_DEFAULTS.mayFail,
  };
}

const isCommand = (command: unknown): command is string | string[] =>
  typeof command === 'string' ? command.trim() !== '' : isStrings(command) && command[0] !== undefined;

function parseAutoRestart(entry: YamlMapping, given: unknown): AutoRestart {
  switch (given) {
    case undefined:
      return JOB_DEFAULTS.autorestart;
    case true:
      return 'always';
    case false:
      return 'never';
    case 'unexpected':
      return 'unexpected';
    default:
      return entry.refuse('autorestart', 'expected true, false or unexpected');
  }
}

function parseRetries(entry: YamlMapping, given: unknown): number {
  if (given === undefined) return JOB_DEFAULTS.startretries;
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= 1000) return given;
  return entry.refuse('startretries', 'expected a whole number from 0 to 1000');
}

/** `TERM` and `SIGTERM` alike. */
function parseSignal(entry: YamlMapping, given: unknown): NodeJS.Signals {
  if (given === undefined) return JOB_DEFAULTS.stopsignal;
  const name = `SIG${String(given).toUpperCase().replace(/^SIG/, '')}`;
  if (isSignal(name)) return name;
  return entry.refuse('stopsignal', 'expected the name of a signal, such as TERM');
}

const isSignal = (name: string): name is NodeJS.Signals => Object.hasOwn(constants.signals, name);

function parseExitCodes(entry: YamlMapping, given: unknown): readonly number[] {
  const codes = given === undefined ? JOB_DEFAULTS.exitcodes : Array.isArray(given) ? given : [given];
  if (codes.every(code => Number.isInteger(code) && code >= 0 && code <= 255)) return codes;
  return entry.refuse('exitcodes', 'expected exit codes from 0 to 255');
}
