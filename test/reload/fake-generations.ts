import type {ProcessTable} from '../../src/jobs/proc.ts';
import {superviseJob} from '../../src/jobs/supervisor.ts';
import type {Child, Exit, OwnChild, Spawn} from '../../src/ports/spawn.ts';
import type {Applied, ApplyOptions} from '../../src/reload/candidate.ts';
import type {Capabilities} from '../../src/reload/capabilities.ts';
import {type Generations, openGenerations} from '../../src/reload/generations.ts';
import type {GenerationsPorts} from '../../src/reload/generations-state.ts';
import {createMemoryFiles, openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';
import {systemError} from '../support/system-error.ts';
import {createFakeHaproxy, type FakeHaproxy} from './fake-haproxy.ts';
import {createFakeGate} from './here.ts';

/** A HAProxy process that the world believes in: it listens, obeys its signals, and speaks on its runtime socket. */
export interface FakeProcess {
  readonly haproxy: FakeHaproxy;
  readonly args: readonly string[];
  readonly signals: string[];
  /** All files as they were when it was started. */
  readonly found: ReadonlyMap<string, string>;
  /** Told to finish, it has connections that last. */
  isBusy: boolean;
  /** Only a SIGKILL reaches it. */
  isStopped: boolean;
  exit(exit?: Partial<Exit>): void;
}

const CAPABLE: Capabilities = {
  haproxy: {version: '2.6.12', build: '', transfer: false},
  gate: {is: 'able', families: ['ipv4'], variant: 'a fake'},
  netAdmin: true,
  migrate: false,
  bindOnly: {able: true, why: null},
  lowPorts: true,
  bindV6Only: false,
};

/** The text that a configuration file of this generation says, with one server. */
export const textOf = (round = 0, server = 'a 10.0.0.1:80'): string =>
  `global\n  maxconn ${100 + round}\nfrontend f\n  bind 127.0.0.1:8080\nbackend web\n  server ${server}\n`;

/** Servers that a text names, as HAProxy tells of them after a start. */
const serversIn = (text: string): Record<string, {addr: string; port: number}> =>
  Object.fromEntries(
    [...text.matchAll(/^ {2}server (\S+) (\S+):(\d+)/gm)].map(([, name, addr = '', port]) => [
      `web/${name}`,
      {addr, port: Number(port)},
    ]),
  );

/** Generations over fakes alone. `left` are processes that an earlier daemon left, by the arguments they were started with. */
export async function openFakeGenerations(
  given: Partial<Omit<GenerationsPorts, 'capabilities'>> & {
    readonly capable?: Partial<Capabilities>;
    readonly contents?: Readonly<Record<string, string>>;
    readonly left?: readonly {
      readonly pid: number;
      readonly args: readonly string[];
      readonly ports: readonly number[];
    }[];
  } = {},
) {
  const {capable, contents, left = [], ...ports} = given;
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const memory = createMemoryFiles(contents);
  const gate = createFakeGate();
  const started: FakeProcess[] = [];
  /** Those that speak, by PID. */
  const alive = new Map<number, FakeHaproxy>(left.map(({pid}) => [pid, createFakeHaproxy(pid)]));
  const sockets = new Map<string, FakeHaproxy>();
  const signals: string[] = [];
  const gaveWay: number[] = [];
  const bound = new Map<number, string>();
  let nextPid = 1000;
  let descriptor = 20;
  /** How the next starts go. */
  const faults = {start: undefined as 'dies' | 'mute' | 'cannot' | undefined, refusesSpares: false};

  const spawn: Spawn = {
    async start({file, args}): Promise<OwnChild> {
      if (faults.start === 'cannot') throw systemError('EAGAIN', `cannot start ${file}`);
      const pid = nextPid++;
      const {promise: exited, resolve} = Promise.withResolvers<Exit>();
      const files = args.filter((_, index) => args[index - 1] === '-f');
      const text = files.map(path => memory.contents.get(path) ?? '').join('');
      const haproxy = createFakeHaproxy(pid, serversIn(text));
      const socket = /stats socket (\S+)/.exec(text)?.[1] ?? '';
      const end = (exit: Partial<Exit> = {}) => {
        alive.delete(pid);
        if (sockets.get(socket) === haproxy) sockets.delete(socket);
        resolve({code: undefined, signal: undefined, ...exit});
      };
      const process: FakeProcess = {
        haproxy,
        args,
        signals: [],
        found: new Map(memory.contents),
        isBusy: false,
        isStopped: false,
        exit: end,
      };
      started.push(process);
      alive.set(pid, haproxy);
      if (faults.start === 'dies' || (faults.refusesSpares && text.includes('192.0.2.'))) end({code: 1});
      else if (faults.start !== 'mute') sockets.set(socket, haproxy);
      const kill: Child['kill'] = signal => {
        process.signals.push(signal);
        if (process.isStopped && signal !== 'SIGKILL') return true;
        if (signal === 'SIGUSR1') {
          if (!process.isBusy) end({code: 0});
        } else end({signal});
        return true;
      };
      return {pid, exited, kill, killGroup: signal => signal !== 0 && kill(signal)};
    },
    run: () => Promise.reject(new Error('not used')),
  };

  const identify = async (pid: number) => (alive.has(pid) ? {pid, startTicks: pid} : undefined);
  const processes: ProcessTable = {
    identify,
    sleeps: async () => 0,
    activity: async pid => (alive.has(pid) ? {state: 'S', cpuMs: 0} : undefined),
    isAlive: async ({pid}) => alive.has(pid),
    findByArguments: async matches =>
      left.filter(({args}) => matches(args)).map(({pid, args}) => ({identity: {pid, startTicks: pid}, args})),
    seesFolder: async () => true,
    listeningPorts: async pid => [...(left.find(one => one.pid === pid)?.ports ?? [8080])],
    watchListeners: async () => async () => false,
    hasPendingHandshakes: async () => false,
    async signal({pid}, signal) {
      signals.push(`${pid} ${signal}`);
      return alive.delete(pid);
    },
    giveWay: async pid => void gaveWay.push(pid),
  };

  const generations: Generations = await openGenerations({
    clock,
    log,
    files: memory.files,
    spawn,
    processes,
    hasPendingHandshakes: processes.hasPendingHandshakes,
    firewall: gate,
    dataFolder: '/data',
    haproxy: 'haproxy',
    bind: ({host, port}) => {
      const own = ++descriptor;
      bound.set(own, `${host}:${port}`);
      return {descriptor: own, close: () => void bound.delete(own)};
    },
    version: {text: '2.6.12', major: 2, minor: 6, patch: 12},
    setting: 'auto',
    settleMs: 1,
    hangMs: 0,
    drain: {maxAgeMs: 60_000, maxCount: 16},
    supervise: superviseJob,
    readyWithinMs: 20_000,
    async ask(socket, command) {
      const haproxy = sockets.get(socket);
      if (haproxy === undefined) throw systemError('ENOENT', `connect ${socket}`);
      return haproxy.ask(command);
    },
    pidIn: answer => Number(/^Pid: (\d+)$/m.exec(answer)?.[1]),
    onOutput: () => {},
    ...ports,
    capabilities: {...CAPABLE, ...capable},
  });

  /** Resolves or rejects as `pending` does; time goes on only when nothing happens without it. */
  const during = async <Value>(pending: Promise<Value>): Promise<Value> => {
    let ended = false;
    const end = () => {
      ended = true;
    };
    void pending.then(end, end);
    for (let turn = 0; !ended; turn += 1) await clock.advance(turn < 200 ? 0 : 1);
    return pending;
  };

  return {
    alive,
    /** Stages and applies. */
    async apply(text: string, options?: ApplyOptions): Promise<Applied> {
      return during(generations.apply(await generations.stage(text), options));
    },
    /** The sockets that the daemon holds: `127.0.0.1:8080`. */
    bound: () => [...bound.values()].sort(),
    clock,
    contents: memory.contents,
    during,
    faults,
    /** The numbers of generations that have files. */
    filed: () =>
      [...new Set([...memory.contents.keys()].flatMap(path => /^\/data\/run\/(\d+)\./.exec(path)?.[1] ?? []))].sort(),
    gate,
    gaveWay,
    generations,
    memory,
    said,
    signals,
    sockets,
    started,
    /** Lets what has begun go on, without any time going by. */
    async settle() {
      for (let turn = 0; turn < 50; turn += 1) await clock.advance(0);
    },
  };
}
