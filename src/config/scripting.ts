import {isIP} from 'node:net';
import type {Config} from './config.ts';
import type {Reader} from './reader.ts';

export type ScriptingSettings = Pick<Config, 'socketPath' | 'telegrafConf' | 'callback' | 'script' | 'statsd'>;

/** HAProxy's bound on UNIX paths for our own socket too: one length to remember, and its clients may be old. */
const MAX_SOCKET_BYTES = 96;

export const DEFAULT_SOCKET = '/tmp/sock';

/** What the pod's scripts are given and may do: the control socket, telegraf, the callback, `PUT /script`, statsd. */
export function parseScripting(reader: Reader, resolvePath: (path: string) => string): ScriptingSettings {
  const socketPath = resolvePath(reader.text('KONTROL_SOCKET') ?? DEFAULT_SOCKET);
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_BYTES) {
    reader.fault(`KONTROL_SOCKET ${socketPath} is longer than ${MAX_SOCKET_BYTES} bytes: name a shorter path`);
  }
  const tokenFile = reader.text('KONTROL_TOKEN_FILE');
  const isScriptOn = reader.oneOf('KONTROL_SCRIPT', 'off', ['off', 'on']) === 'on';
  if (isScriptOn && tokenFile === undefined) {
    reader.fault('KONTROL_SCRIPT is on without KONTROL_TOKEN_FILE: name a file with the token that callers must send');
  }
  return {
    socketPath,
    telegrafConf: resolvePath(reader.text('KONTROL_TELEGRAF_CONF') ?? '/etc/telegraf/telegraf.conf'),
    callback: parseCallback(reader),
    script: isScriptOn && tokenFile !== undefined ? {tokenFile: resolvePath(tokenFile)} : undefined,
    statsd: parseStatsd(reader),
  };
}

/** In 2017 `KONTROL_SHELL_CALLBACK` could be a flag beside `KONTROL_CALLBACK`; ours always has a shell. */
const FLAG = /^(1|0|true|false|yes|no|on|off)$/i;

function parseCallback(reader: Reader): string | undefined {
  const [command, shell] = [reader.text('KONTROL_CALLBACK'), reader.text('KONTROL_SHELL_CALLBACK')];
  if (command !== undefined && shell !== undefined && !FLAG.test(shell.trim())) {
    reader.warn('KONTROL_CALLBACK and KONTROL_SHELL_CALLBACK are both set: the first one is run');
  }
  return command ?? (shell !== undefined && FLAG.test(shell.trim()) ? undefined : shell);
}

const STATSD_DEFAULT = {host: '127.0.0.1', port: 8125};

/** `on` for telegraf's own, or `<ip>:<port>`. */
function parseStatsd(reader: Reader): Config['statsd'] {
  const given = reader.text('KONTROL_STATSD')?.trim() ?? 'off';
  if (given === 'off') return undefined;
  if (given === 'on') return STATSD_DEFAULT;
  const match = /^\[?([0-9A-Fa-f:.]+?)\]?:(\d{1,5})$/.exec(given);
  const [host = '', port] = [match?.[1], Number(match?.[2])];
  if (isIP(host) !== 0 && port > 0 && port <= 65_535) return {host, port};
  reader.fault(`KONTROL_STATSD ${JSON.stringify(given)} is none of off, on, <ip>:<port>`);
  return undefined;
}
