import {hostname} from 'node:os';
import {resolve} from 'node:path';
import {type ParsedConfig, parseConfig} from './parse.ts';

/** Reads the process's environment, once: the only file that touches it. Throws as `parseConfig` does. */
export const loadConfig = (): ParsedConfig =>
  parseConfig(process.env, {hostname: hostname(), resolvePath: path => resolve(path)});
