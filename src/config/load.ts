import {hostname} from 'node:os';
import {resolve} from 'node:path';
import {type ParsedConfig, parseConfig} from './parse.ts';
import {DEFAULT_SOCKET} from './scripting.ts';

const DEFAULT_STATUS_PORT = 8001;

/** Where commands find the status port of the daemon in this pod, or on this machine. */
export const loadStatusUrl = (): string => {
  const port = Number(process.env.KONTROL_STATUS_PORT);
  return `http://127.0.0.1:${Number.isInteger(port) && port > 0 ? port : DEFAULT_STATUS_PORT}`;
};

/** Reads the process's environment, once: the only file that touches it. Throws as `parseConfig` does. */
export const loadConfig = (): ParsedConfig =>
  parseConfig(process.env, {hostname: hostname(), resolvePath: path => resolve(path)});

/** Where `ctl` finds the daemon: as the daemon itself was told, or as a shell block is. */
export const loadSocketPath = (): string => process.env.KONTROL_SOCKET || process.env.SOCKET || DEFAULT_SOCKET;
