import {reasonOf} from '../errors.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Child, Exit, Spawn} from '../ports/spawn.ts';
import {formatUptime, type JobAnswer, type JobHandle} from './handle.ts';
import {isDown, type JobSettings} from './job.ts';
import {createTail} from './output.ts';
import type {JobSpec} from './spec.ts';
import type {Supervisor, SupervisorPorts} from './supervisor.ts';

export interface ChildJobPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly spawn: Pick<Spawn, 'start' | 'run'>;
  readonly supervise: (name: string, fields: Record<string, unknown>, ports: SupervisorPorts) => Supervisor;
  /** Asked at each start. */
  readonly env: () => Readonly<Record<string, string>>;
  /** Resolves when no process of an earlier daemon is in the way of a start any more. */
  readonly cleared: Promise<void>;
  /** Its process has come or gone. */
  readonly onChange: () => void;
}

export interface ChildJob extends JobHandle {
  readonly spec: JobSpec;
  readonly pid: number | undefined;
  /** It has no process and waits for none. */
  readonly isDown: boolean;
}

/** After the n-th failed start in a row the next waits n seconds, as supervisord's does. */
const BACKOFF_STEP_MS = 1000;

/** Long after every job has come up: startsecs alone decide. */
const READY_MARGIN_MS = 3_600_000;

const LOOK_LIMIT_MS = 10_000;

interface State {
  readonly spec: JobSpec;
  readonly ports: ChildJobPorts;
  readonly supervisor: Supervisor;
  /** The log has it that its program is not installed. */
  saidMissing: boolean;
}

/** One child process under supervisord's rules. */
export function superviseChild(spec: JobSpec, ports: ChildJobPorts): ChildJob {
  const {clock, log, onChange} = ports;
  const tail = createTail();
  const settings = settingsOf(spec);
  const supervisor = ports.supervise(
    spec.name,
    {},
    {
      clock,
      log,
      launch: () => launch(spec, ports, tail.add),
      untilReady: (_child, signal) => (spec.startMs === 0 ? Promise.resolve() : sleep(clock, spec.startMs, signal)),
      settings: () => settings,
      onChange,
    },
  );
  const state: State = {spec, ports, supervisor, saidMissing: false};
  return {
    name: spec.name,
    spec,
    get pid() {
      return supervisor.child?.pid;
    },
    get isDown() {
      return isDown(supervisor.job);
    },
    start: () => start(state),
    stop: () => stop(state),
    async restart() {
      const {text: first} = await stop(state);
      return {...(await start(state)), first};
    },
    status() {
      return {state: supervisor.job.is, description: describeJob(supervisor, clock.nowMs())};
    },
    tail: tail.lines,
  };
}

function settingsOf(spec: JobSpec): JobSettings {
  const isExpected = ({code}: Exit): boolean => code !== undefined && spec.exitcodes.includes(code);
  return {
    retries: spec.startretries,
    delayMs: failures => failures * BACKOFF_STEP_MS,
    stableMs: 0,
    readyWithinMs: spec.startMs + READY_MARGIN_MS,
    restarts: exit => spec.autorestart === 'always' || (spec.autorestart === 'unexpected' && !isExpected(exit)),
  };
}

async function launch(
  {name, command}: JobSpec,
  {spawn, log, env, onChange}: ChildJobPorts,
  onLine: (line: string) => void,
): Promise<Child> {
  const [file, ...args] = typeof command === 'string' ? ['/bin/sh', '-c', `exec ${command}`] : command;
  let pid: number | undefined;
  const child = await spawn.start({file: file ?? '', args, env: env()}, (line, stream) => {
    onLine(line);
    log.info({job: name, pid, stream, line}, 'job wrote');
  });
  pid = child.pid;
  // The supervisor takes it in this tick of the event loop.
  setImmediate(onChange);
  // What it started itself does not outlive a job that has to be killed.
  return {...child, kill: signal => (signal === 'SIGKILL' ? child.killGroup(signal) : child.kill(signal))};
}

async function isInstalled(spec: JobSpec, {spawn, log, env}: ChildJobPorts): Promise<boolean> {
  const program = programOf(spec);
  if (program === undefined) return true;
  const look = {file: '/bin/sh', args: ['-c', 'command -v -- "$1"', 'sh', program], env: env()};
  try {
    return (await spawn.run(look, {timeoutMs: LOOK_LIMIT_MS})).code === 0;
  } catch (error) {
    // No process can be started: its own start will say so, and is tried again.
    log.debug({job: spec.name, reason: reasonOf(error)}, 'cannot look whether the program of a job is installed');
    return true;
  }
}

async function start(state: State): Promise<JobAnswer> {
  const {spec, ports, supervisor} = state;
  await ports.cleared;
  const {is} = supervisor.job;
  if (is === 'RUNNING' || is === 'STARTING') return {ok: true, text: 'ERROR (already started)'};
  if (is === 'STOPPING') await supervisor.reached(isDown);
  if (!(await isInstalled(spec, ports))) {
    const reason = 'its program is not installed';
    if (!state.saidMissing) ports.log.warn({job: spec.name, reason}, 'job is not started');
    state.saidMissing = true;
    return {ok: spec.optional, text: 'ERROR (no such file)'};
  }
  state.saidMissing = false;
  if (supervisor.job.is === 'BACKOFF') supervisor.stop([]);
  supervisor.start();
  const job = await supervisor.reached(reached => reached.is !== 'STARTING');
  if (job.is === 'RUNNING' || job.is === 'EXITED') return {ok: true, text: 'started'};
  return {ok: spec.mayFail, text: job.is === 'STOPPED' ? 'ERROR (stopped)' : 'ERROR (abnormal termination)'};
}

async function stop({spec, supervisor}: State): Promise<JobAnswer> {
  if (isDown(supervisor.job)) return {ok: true, text: 'ERROR (not running)'};
  supervisor.stop([
    {signal: spec.stopsignal, graceMs: spec.stopWaitMs},
    {signal: 'SIGKILL', graceMs: 0},
  ]);
  await supervisor.reached(isDown);
  return {ok: true, text: 'stopped'};
}

/** The program that a command starts with; undefined when only a shell can tell. */
const programOf = ({command}: JobSpec): string | undefined =>
  typeof command === 'string' ? /^\s*([\w./+-]+)(?=\s|$)/.exec(command)?.[1] : command[0];

function describeJob({job, child}: Supervisor, nowMs: number): string {
  switch (job.is) {
    case 'RUNNING':
      return `pid ${child?.pid ?? '-'}, uptime ${formatUptime(nowMs - job.sinceMs)}`;
    case 'BACKOFF':
    case 'FATAL':
    case 'EXITED':
      return `ended with ${job.exit.signal ?? (job.exit.code === undefined ? 'no start' : `exit code ${job.exit.code}`)}`;
    case 'STOPPED':
      return 'Not running';
    case 'STARTING':
    case 'STOPPING':
      return '';
  }
}
