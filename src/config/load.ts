import {hostname} from 'node:os';
import {resolve} from 'node:path';
import {type ParsedConfig, parseConfig} from './parse.ts';
import {DEFAULT_SOCKET} from './scripting.ts';

/** Reads the process's environment, once: the only file that touches it. Throws as `parseConfig` does. */
export const loadConfig = (): ParsedConfig =>
  parseConfig(process.env, {hostname: hostname(), resolvePath: path => resolve(path)});

/** Where `ctl` finds the daemon: as the daemon itself was told, or as a shell block is. */
export const loadSocketPath = (): string => process.env.KONTROL_SOCKET || process.env.SOCKET || DEFAULT_SOCKET;
