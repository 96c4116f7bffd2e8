import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

const LUA = fileURLToPath(new URL('pings.lua', import.meta.url));

/** Pings of distinct slaves (10.0.0.1 and on) in turns, over so many connections at a time, from one thread. */
export interface WrkLoad {
  readonly port: number;
  readonly slaves: number;
  readonly connections: number;
  /** Each ping has a connection of its own, or they share some. */
  readonly kind: 'new' | 'kept';
  readonly seconds: number;
  /** Each connection waits so long between two pings; 0 when absent. */
  readonly pauseMs?: number;
}

export interface WrkReport {
  readonly count: number;
  readonly failed: number;
  readonly durationMs: number;
  /** From the request to the answer, the connection included where each has one. */
  readonly latencyMs: {readonly p50: number; readonly p99: number; readonly max: number};
}

/** Whether this machine has wrk, a load client in C that takes a tenth of what a daemon takes for a ping. */
export const hasWrk = (): Promise<boolean> =>
  promisify(execFile)('wrk', ['-v']).then(
    () => true,
    (error: {code?: unknown}) => error.code !== 'ENOENT',
  );

/** Rejects when `signal` ends it, and when wrk cannot be run. */
export async function runWrk(load: WrkLoad, signal?: AbortSignal): Promise<WrkReport> {
  const {port, slaves, connections, kind, seconds, pauseMs = 0} = load;
  const args = ['-t1', `-c${connections}`, `-d${seconds}`, '--timeout', '10', '-s', LUA, `http://127.0.0.1:${port}`];
  const env = {
    ...process.env,
    PING_SLAVES: String(slaves),
    PING_CONNECTIONS: kind,
    PING_DELAY_MS: String(pauseMs),
  };
  const {stdout} = await promisify(execFile)('wrk', args, {env, ...(signal && {signal})});
  const report = /^REPORT (.*)$/m.exec(stdout)?.[1];
  if (report === undefined) throw new Error(`wrk does not say what it saw:\n${stdout}`);
  const {count, failed, durationMs, ...latencyMs} = JSON.parse(report);
  return {count, failed, durationMs, latencyMs};
}
