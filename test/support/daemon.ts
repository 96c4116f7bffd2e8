import {spawn} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Answer} from './answer.ts';
import {bugsIn} from './bugs.ts';
import {getSegments, type Outcome} from './exchange.ts';
import {freePort} from './free-port.ts';
import {type ChildExit, collectOutput, type LogLine} from './output.ts';
import {haproxyBinary} from './parts.ts';
import {machine, type Place} from './place.ts';
import {endProcessesOf} from './processes.ts';
import {createSlave, type Fields, type Slave, type SlaveOptions} from './slave.ts';
import type {Status} from './status.ts';
import {waitFor} from './wait.ts';

export interface DaemonOptions {
  /** The template's text, or the path of its file. */
  readonly template: string;
  readonly place?: Place;
  /** Settings beside or instead of the defaults below. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of an earlier daemon; a fresh one is made, and removed at the end, when absent. */
  readonly dataFolder?: string;
  /** The ports of an earlier daemon; free ones, or in a namespace the usual ones, when absent. */
  readonly port?: number;
  readonly statusPort?: number;
  /** A bug was planted: what tells of it in the log is no failure. */
  readonly expectsBug?: boolean;
}

/**
 * A running `haproxy-kontrol run`. Disposing ends it and all it started, at once, whatever state they are in, and throws
 * when its log told of a bug in its code.
 */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  readonly dataFolder: string;
  readonly port: number;
  readonly statusPort: number;
  /** All it wrote so far, both streams, in the order of arrival. */
  readonly logs: readonly LogLine[];
  readonly exited: Promise<ChildExit>;
  /** GET on the status port; undefined when nobody answers. */
  get(path: string): Promise<Answer | undefined>;
  /** GET on the master endpoint. */
  getMaster(path: string): Promise<Answer | undefined>;
  /** `/status`; undefined while nobody answers. */
  status(): Promise<Status | undefined>;
  /** Polls `/status` until `condition` gives something truthy, and returns that; throws when the daemon ends first. */
  waitFor<T>(
    condition: (status: Status) => T | Promise<T>,
    what: string,
    timeoutMs?: number,
  ): Promise<Exclude<T, false | undefined | null | 0 | ''>>;
  /** A slave of this daemon, at its place unless another is given. */
  slave(options: Omit<SlaveOptions, 'master'>): Slave;
  /** One keepalive of a slave with this address. */
  ping(options: Omit<SlaveOptions, 'master'>, fields?: Fields): Promise<Outcome>;
  signal(signal: NodeJS.Signals): void;
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const LABELS = {app: 'haproxy', role: 'balancer'};

const GET_TIMEOUT_MS = 2000;

/**
 * Starts the built daemon (`npm run build` comes first) with its ports free, its folder fresh and its waits short. It
 * does not wait: a test of a failing start wants `exited`, others `waitFor`. On the machine itself the firewall stays
 * untouched (`KONTROL_RELOAD=plain`); in a namespace the daemon chooses.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const {template, place = machine, env = {}} = options;
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'kontrol-')));
  const portOr = async (inNamespace: number) => (place.namespace === null ? await freePort() : inNamespace);
  const port = options.port ?? (await portOr(8000));
  const statusPort = options.statusPort ?? (await portOr(8001));
  const [file = '', ...args] = place.exec([process.execPath, MAIN, 'run']);
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      KONTROL_MODE: 'master',
      KONTROL_LABELS: JSON.stringify(LABELS),
      KONTROL_DATA: dataFolder,
      KONTROL_SOCKET: join(dataFolder, 'sock'),
      KONTROL_PORT: String(port),
      KONTROL_STATUS_PORT: String(statusPort),
      KONTROL_TEMPLATE: template,
      KONTROL_HAPROXY: haproxyBinary,
      KONTROL_DAMPER: '0.2',
      KONTROL_LINGER: '0',
      ...(place.namespace === null && {KONTROL_RELOAD: 'plain'}),
      ...env,
    },
  });
  const output = collectOutput(child);
  const isGone = () => child.exitCode !== null || child.signalCode !== null;

  const getFrom = async (targetPort: number, path: string): Promise<Answer | undefined> => {
    const segments = getSegments(path, 'localhost');
    const outcome = await place.exchange({host: '127.0.0.1', port: targetPort, segments, timeoutMs: GET_TIMEOUT_MS});
    return outcome.is === 'answered' ? outcome.answer : undefined;
  };
  const status = async (): Promise<Status | undefined> => {
    const answer = await getFrom(statusPort, '/status');
    return answer?.status === 200 ? (JSON.parse(answer.body) as Status) : undefined;
  };
  const slave: Daemon['slave'] = slaveOptions => createSlave({master: {host: place.ip, port}, place, ...slaveOptions});

  return {
    pid: child.pid ?? 0,
    dataFolder,
    port,
    statusPort,
    logs: output.lines,
    exited: output.exited,
    get: path => getFrom(statusPort, path),
    getMaster: path => getFrom(port, path),
    status,
    waitFor: (condition, what, timeoutMs) => {
      let seen: Status | undefined;
      const evidence = () => `${output.tail()}\n${seen === undefined ? 'no status' : JSON.stringify(seen)}`;
      return waitFor(
        async () => {
          seen = await status();
          if (seen !== undefined) return condition(seen);
          if (isGone()) throw new Error(`cannot see ${what}: the daemon ended\n${output.tail()}`);
          return undefined;
        },
        what,
        {evidence, ...(timeoutMs !== undefined && {timeoutMs})},
      );
    },
    slave,
    ping: (slaveOptions, fields) => slave(slaveOptions).ping(fields),
    signal: name => {
      child.kill(name);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await output.exited;
      // HAProxy lives in a session of its own and survives the daemon by design.
      await endProcessesOf(dataFolder);
      if (options.dataFolder === undefined) await rm(dataFolder, {force: true, recursive: true});
      const [bug] = options.expectsBug === true ? [] : bugsIn(output.lines);
      if (bug !== undefined) throw new Error(`the daemon has a bug: ${JSON.stringify(bug)}`);
    },
  };
}

/** The hosts of the configuration that was applied last, as `GET /state` says; none before the first. */
export async function appliedHosts(daemon: Daemon): Promise<Readonly<Record<string, readonly string[]>>> {
  const answer = await daemon.getMaster('/state');
  return answer === undefined ? {} : JSON.parse(answer.body).hosts;
}
