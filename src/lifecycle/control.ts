import {DaemonError, reasonOf, rethrowBug} from '../errors.ts';
import type {JobAnswer, JobHandle} from '../jobs/handle.ts';
import type {Log} from '../ports/log.ts';
import {type ControlCommand, parseCommand} from './command.ts';
import type {Lifecycle} from './lifecycle.ts';
import type {BlockVariables} from './variables.ts';

export interface ControlPorts {
  readonly log: Log;
  readonly lifecycle: Pick<Lifecycle, 'state' | 'goTo' | 'ending' | 'blame'>;
  readonly terminal: string;
  readonly variables: BlockVariables;
  readonly jobs: readonly JobHandle[];
  /** What went wrong, without the secrets of the configuration. */
  readonly hideSecrets: (said: string) => string;
  /** Asks for the orderly stop of the daemon: readiness, linger and all. */
  readonly requestStop: () => void;
}

const SHOWN_INPUT_CHARACTERS = 80;
const NAME_WIDTH = 32;
const STATE_WIDTH = 9;
/** What supervisorctl has for every job at once. */
const ALL = 'all';

/**
 * Answers the commands of the control socket. Job commands act at once, whatever the lifecycle waits for. Whoever asks
 * for the terminal state, or says `DIE`, stops the daemon as SIGTERM does. Never rejects.
 */
export function createControl(
  ports: ControlPorts,
): (command: Buffer, isGone: () => Promise<boolean>) => Promise<string> {
  const {lifecycle, log, variables} = ports;

  const goTo = async (
    command: ControlCommand & {is: 'GOTO' | 'WAIT'},
    isGone: () => Promise<boolean>,
  ): Promise<string> => {
    const {is, tag, input} = command;
    if (tag === ports.terminal) return stopBy(is);
    await lifecycle.goTo(tag, {
      cause: `socket: ${is} ${tag}${input === undefined ? '' : ` ${shown(input)}`}`,
      origin: 'socket',
      input: input ?? Buffer.alloc(0),
      until: is === 'GOTO' ? 'entered' : 'finished',
      isGone,
    });
    return 'OK';
  };

  const stopBy = async (is: 'GOTO' | 'WAIT'): Promise<string> => {
    ports.requestStop();
    await lifecycle.ending.entered;
    if (is === 'GOTO') return 'OK';
    const fault = await lifecycle.ending.over;
    if (fault !== undefined) throw fault;
    return 'OK';
  };

  const run = async (command: ControlCommand, isGone: () => Promise<boolean>): Promise<string> => {
    switch (command.is) {
      case 'STATE':
        return lifecycle.state.tag;
      case 'GOTO':
      case 'WAIT':
        return goTo(command, isGone);
      case 'SET': {
        const fault = variables.set(command.name, command.value);
        if (fault !== undefined) throw new DaemonError('USAGE', `cannot set ${command.name}: ${fault}`);
        return 'OK';
      }
      case 'DIE':
        ports.requestStop();
        return 'OK';
      case 'JOB':
        return runJobs(command.verb, command.jobs, ports.jobs, lifecycle.blame);
      case 'unknown':
        throw new DaemonError('USAGE', command.reason);
    }
  };

  return async (bytes, isGone) => {
    const {command, explain} = parseCommand(bytes);
    log.debug({event: command.is}, 'control command');
    try {
      return await run(command, isGone);
    } catch (error) {
      rethrowBug(error);
      log.warn({event: command.is, reason: reasonOf(error)}, 'control command refused');
      return explain ? `KO ${ports.hideSecrets(reasonOf(error))}` : 'KO';
    }
  };
}

const shown = (input: Buffer): string => {
  const text = input.toString();
  return text.length > SHOWN_INPUT_CHARACTERS ? `${text.slice(0, SHOWN_INPUT_CHARACTERS)}…` : text;
};

/** The lines that supervisorctl prints. The first one is `OK` or `KO`, for the exit code. */
async function runJobs(
  verb: (ControlCommand & {is: 'JOB'})['verb'],
  names: readonly string[],
  jobs: readonly JobHandle[],
  blame: Lifecycle['blame'],
): Promise<string> {
  const isAll = names.some(name => plainName(name) === ALL) || (names.length === 0 && verb === 'status');
  if (names.length === 0 && !isAll)
    throw new DaemonError('USAGE', `${verb} takes the name of a job, one of ${jobs.map(job => job.name).join(', ')}`);
  const wanted = isAll ? jobs.map(job => job.name) : names;
  const answers = await Promise.all(
    wanted.map(async name => {
      const job = jobs.find(one => one.name === plainName(name));
      return job === undefined ? {ok: false, text: `${name}: ERROR (no such process)`} : await runJob(verb, job, blame);
    }),
  );
  return [answers.every(({ok}) => ok) ? 'OK' : 'KO', ...answers.map(({text}) => text)].join('\n');
}

/** supervisord's names for the one process of a group that has its name: `haproxy:haproxy`, `haproxy:*`, `haproxy:`. */
const plainName = (name: string): string => /^([^:]+):(\*|\1)?$/.exec(name)?.[1] ?? name;

async function runJob(
  verb: (ControlCommand & {is: 'JOB'})['verb'],
  job: JobHandle,
  blame: Lifecycle['blame'],
): Promise<JobAnswer> {
  switch (verb) {
    case 'start':
    case 'stop':
    case 'restart': {
      const {ok, text, first, applied} = await job[verb]();
      if (applied !== undefined) blame(applied.fault);
      const said = first === undefined ? [text] : [first, text];
      return {ok, text: said.map(line => `${job.name}: ${line}`).join('\n')};
    }
    case 'status': {
      const {state, description} = job.status();
      return {ok: true, text: `${job.name.padEnd(NAME_WIDTH)} ${state.padEnd(STATE_WIDTH)} ${description}`.trimEnd()};
    }
    case 'tail':
      return {ok: true, text: job.tail().join('\n')};
  }
}
