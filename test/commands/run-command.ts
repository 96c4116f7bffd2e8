import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {haproxyBinary} from '../support/parts.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What a command of ours wrote and how it ended. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `haproxy-kontrol` with arguments, to its end. */
export function runCommand(args: readonly string[], input = ''): Ran {
  const env = {
    PATH: process.env.PATH,
    KONTROL_HAPROXY: haproxyBinary,
    KONTROL_COLOR: 'blue',
    KONTROL_RENDER_TIMEOUT: '20',
  };
  const {status, stdout, stderr} = spawnSync(process.execPath, [MAIN, ...args], {encoding: 'utf8', env, input});
  return {status, stdout, stderr};
}
