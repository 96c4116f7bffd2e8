import {DaemonError} from '../errors.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Spawn} from '../ports/spawn.ts';

/** A superseded or stopped block's process group gets this long between SIGTERM and SIGKILL. */
const KILL_DELAY_MS = 2000;

/**
 * Runs a state's `shell` block with `/bin/sh -c` in a process group of its own, its output logged line by line however
 * much it writes. Rejects with LIFECYCLE when it exits other than 0, and when `signal` aborted: its group is killed.
 */
export async function runShellBlock(
  block: string,
  tag: string,
  env: Readonly<Record<string, string>>,
  {spawn, clock, log, signal}: {spawn: Pick<Spawn, 'start'>; clock: Clock; log: Log; signal: AbortSignal},
): Promise<void> {
  signal.throwIfAborted();
  const child = await spawn.start({file: '/bin/sh', args: ['-c', block], env}, (line, stream) =>
    log.info({to: tag, pid: child?.pid, stream, line}, 'shell block wrote'),
  );
  const kill = async () => {
    child.killGroup('SIGTERM');
    await Promise.race([child.exited, sleep(clock, KILL_DELAY_MS)]);
    child.killGroup('SIGKILL');
  };
  const onAbort = () => void kill();
  signal.addEventListener('abort', onAbort, {once: true});
  const exit = await child.exited;
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
  if (exit.code !== 0) {
    throw new DaemonError(
      'LIFECYCLE',
      `cannot finish state ${tag}: its shell block ended with ${exit.signal ?? `exit code ${exit.code}`}`,
    );
  }
}
