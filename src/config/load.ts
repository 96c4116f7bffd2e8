import {hostname} from 'node:os';
import {resolve} from 'node:path';
import {type ParsedConfig, parseConfig, parseRenderSettings, type RenderSettings} from './parse.ts';

/** What a command that renders without a daemon takes from the environment. */
export const loadRenderSettings = (): RenderSettings => parseRenderSettings(process.env);

/** Reads the process's environment, once: the only file that touches it. Throws as `parseConfig` does. */
export const loadConfig = (): ParsedConfig =>
  parseConfig(process.env, {hostname: hostname(), resolvePath: path => resolve(path)});
