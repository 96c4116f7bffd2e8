import {DaemonError, OverLimit, reasonOf, systemCodeOf} from '../errors.ts';
import type {Finished, Spawn} from '../ports/spawn.ts';
import {parseBinds} from './binds.ts';
import {parseGlobals} from './globals.ts';
import {createHider} from './hide-secrets.ts';
import {findIgnoredKeywords} from './ignored-keywords.ts';
import {findReason, parseOutputLine} from './output.ts';
import {secretsOf} from './redact.ts';
import {parseBuild, parseVersion, type Version} from './version.ts';

/** 10,000 servers take 3 s, 20,000 take 30 s on a busy machine. */
const CHECK_LIMIT_MS = 60_000;
/** While a text is checked, nobody who comes is served. */
const MIN_CHECK_LIMIT_MS = 15_000;
const VERSION_LIMIT_MS = 5000;
const MAX_REASON_CHARACTERS = 300;
/** What `haproxy -c` answers when nothing in its files listens, a `stats socket` included. */
const NO_LISTENER = 2;

export interface CheckPorts {
  readonly spawn: Pick<Spawn, 'run'>;
  /** Path or name of the binary. */
  readonly haproxy: string;
  /** How long a check may take; a minute unless given. */
  readonly limitMs?: number;
}

/** How long a check may take with so many pods, whatever they make of the text. */
export const deriveCheckLimitMs = (pods: number): number =>
  Math.min(MIN_CHECK_LIMIT_MS + 1000 * Math.floor(pods / 500), CHECK_LIMIT_MS);

const INSTALL = 'install HAProxy or set KONTROL_HAPROXY';

/** Why a program cannot be started, and what to do; EAGAIN and ENOMEM are fork(2)'s, EMFILE and ENFILE pipe(2)'s. */
const START_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: `there is no such program; ${INSTALL}`,
  EACCES: `it is not an executable file; ${INSTALL}`,
  EAGAIN: 'no process can be started (EAGAIN): raise the limit of processes of this user or of the container',
  ENOMEM: 'no process can be started (ENOMEM): raise the memory limit of the container',
  EMFILE: 'no descriptor is left (EMFILE): raise the limit of open files',
  ENFILE: 'no descriptor is left in the system (ENFILE): raise fs.file-max',
};

async function runHaproxy(
  {spawn, haproxy}: CheckPorts,
  args: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Finished> {
  try {
    return await spawn.run({file: haproxy, args}, {timeoutMs, ...(signal && {signal})});
  } catch (cause) {
    throw new DaemonError(
      'HAPROXY',
      `cannot run ${haproxy}: ${START_FAULTS[systemCodeOf(cause) ?? ''] ?? reasonOf(cause)}`,
      {
        cause,
      },
    );
  }
}

/** HAProxy says it of `program` sections, also to who has `master-worker` in the template: HAProxy is not shown that. */
const NEEDS_MASTER = /without master worker mode/;
const NO_MASTER =
  'master-worker is left out, since the daemon runs HAProxy itself: start that program as a job of lifecycle.yml';

function refusalOf({code, signal, stderr}: Finished): string {
  if (code === NO_LISTENER) return 'it binds no port';
  if (code === undefined) return `haproxy was ended by ${signal}`;
  const reason = findReason(stderr.split('\n')) ?? `haproxy exited with ${code} and no alert`;
  if (NEEDS_MASTER.test(reason)) return `${reason} (${NO_MASTER})`;
  return reason.length > MAX_REASON_CHARACTERS ? `${reason.slice(0, MAX_REASON_CHARACTERS)}…` : reason;
}

/** Before anything is cut: the half of a secret would not be known for one. */
function withoutSecrets(finished: Finished, text: string): Finished {
  const hide = createHider(secretsOf(text));
  return {...finished, stderr: hide(finished.stderr), stdout: hide(finished.stdout)};
}

/**
 * Asks the binary for its version (`haproxy -v`). Rejects with HAPROXY when it cannot be run, says nothing in time or is
 * something else, and with the reason of `signal` once that aborts.
 */
export async function loadVersion(ports: CheckPorts, signal?: AbortSignal): Promise<Version> {
  return parseVersion(await askAbout(ports, '-v', signal));
}

/** How the binary was built, on one line (`haproxy -vv`: its TARGET and OPTIONS). Rejects as `loadVersion` does. */
export async function loadBuild(ports: CheckPorts, signal?: AbortSignal): Promise<string> {
  return parseBuild(await askAbout(ports, '-vv', signal));
}

async function askAbout(ports: CheckPorts, option: string, signal: AbortSignal | undefined): Promise<string> {
  signal?.throwIfAborted();
  const {stdout, timedOut} = await runHaproxy(ports, [option], VERSION_LIMIT_MS, signal);
  signal?.throwIfAborted();
  if (!timedOut) return stdout;
  const reason = `${option} has not ended within ${VERSION_LIMIT_MS / 1000} s; try it by hand, ${INSTALL}`;
  throw new DaemonError('HAPROXY', `cannot run ${ports.haproxy}: ${reason}`);
}

/** What HAProxy reads, in this order, and which of it is the user's: messages name that one. */
export interface CheckedFiles {
  readonly files: readonly string[];
  readonly configuration: string;
  /** What is in that one: its secrets are left out of what HAProxy says of it. Absent, all that it says is given. */
  readonly text?: string;
}

/**
 * Has HAProxy check configuration files (`haproxy -c -f … -f …`) and resolves with its warnings, one line each.
 * Trusts the exit code, not the text. Rejects with VALIDATE when HAProxy refuses (`detail` is all it wrote) and with
 * HAPROXY when the binary cannot be run. -c does not try the binds.
 */
export async function checkConfiguration(
  ports: CheckPorts,
  {files, configuration, text = ''}: CheckedFiles,
  signal?: AbortSignal,
): Promise<string[]> {
  signal?.throwIfAborted();
  const args = ['-c', ...files.flatMap(file => ['-f', file])];
  const {limitMs = CHECK_LIMIT_MS} = ports;
  const ended = await runHaproxy(ports, args, limitMs, signal);
  signal?.throwIfAborted();
  const refused = `cannot validate ${configuration}`;
  if (ended.timedOut) throw new OverLimit('VALIDATE', `${refused}: no verdict within ${limitMs / 1000} s`);
  const finished = ended.stderr + ended.stdout === '' ? ended : withoutSecrets(ended, text);
  if (finished.code !== 0) {
    throw new DaemonError('VALIDATE', `${refused}: ${refusalOf(finished)}`, {
      detail: finished.stderr + finished.stdout,
    });
  }
  const lines = finished.stderr.split('\n').map(parseOutputLine);
  return lines.filter(line => line.level === 'warn').map(line => line.text);
}

/**
 * Checks a candidate, HAProxy's `-c` and one thing more: our control file listens, so HAProxy no longer notices when
 * the user's text binds nothing at all (a template that rendered to little or nothing), and would serve nobody.
 */
export async function checkCandidate(
  ports: CheckPorts,
  {text, ...checked}: CheckedFiles & {readonly text: string},
  signal?: AbortSignal,
): Promise<string[]> {
  const warnings = await checkConfiguration(ports, {...checked, text}, signal);
  if (parseBinds(text).every(({section}) => section.kind === 'global')) {
    throw new DaemonError(
      'VALIDATE',
      `cannot validate ${checked.configuration}: it binds no port: is there a frontend in the template?`,
    );
  }
  const {nbproc} = parseGlobals(text);
  return [
    ...warnings,
    ...(nbproc === 1 ? [] : [`nbproc ${nbproc} is ignored: one process is run and supervised`]),
    ...findIgnoredKeywords(text).map(({keyword, line, why}) => `${keyword} in line ${line} is ignored: ${why}`),
  ];
}
