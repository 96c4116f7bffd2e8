import {DaemonError} from '../errors.ts';
import {type Clock, sleep, within} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {OwnChild, Spawn} from '../ports/spawn.ts';

/** A superseded or stopped block's process group gets this long between SIGTERM and SIGKILL. */
const KILL_DELAY_MS = 2000;

/** What of its output is told to whoever asks why it failed. */
const SAID_LINES = 3;
const SAID_CHARACTERS = 200;

/** What was sent SIGKILL is gone within a moment, unless the kernel holds it. */
const GONE_WITHIN_MS = 1000;
const GONE_POLL_MS = 5;

/** How a block ended by itself. */
export interface BlockEnd {
  /** What it wrote last, on one line. */
  readonly said: string;
  /** Absent after exit code 0. */
  readonly fault?: DaemonError;
}

/**
 * Runs a state's `shell` block with `/bin/sh -c` in a process group of its own, its output logged line by line however
 * much it writes. Rejects when `signal` aborted: once its group is gone. What it left in the background when it ended by
 * itself lives on.
 */
export async function runShellBlock(
  block: string,
  tag: string,
  env: Readonly<Record<string, string>>,
  {spawn, clock, log, signal}: {spawn: Pick<Spawn, 'start'>; clock: Clock; log: Log; signal: AbortSignal},
): Promise<BlockEnd> {
  signal.throwIfAborted();
  let pid: number | undefined;
  const said: string[] = [];
  const child = await spawn.start({file: '/bin/sh', args: ['-c', block], env}, (line, stream) => {
    log.info({to: tag, pid, stream, line}, 'shell block wrote');
    said.push(line.slice(0, SAID_CHARACTERS));
    if (said.length > SAID_LINES) said.shift();
  });
  pid = child.pid;
  const aborted = new Promise<void>(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), {once: true});
  });
  await Promise.race([child.exited, aborted]);
  if (signal.aborted) {
    await killGroup(child, clock);
    throw signal.reason;
  }
  const exit = await child.exited;
  const lines = said.join(' | ');
  if (exit.code === 0) return {said: lines};
  const how = `its shell block ended with ${exit.signal ?? `exit code ${exit.code}`}`;
  const reason = `cannot finish state ${tag}: ${how}${lines && `, and said last: ${lines}`}`;
  return {said: lines, fault: new DaemonError('LIFECYCLE', reason)};
}

/** Ends a whole process group: SIGTERM, and SIGKILL for what is left of it after a grace or once its first process is gone. */
export async function killGroup(child: OwnChild, clock: Clock, graceMs = KILL_DELAY_MS): Promise<void> {
  child.killGroup('SIGTERM');
  await within(clock, graceMs, child.exited);
  child.killGroup('SIGKILL');
  await child.exited;
  const untilMs = clock.nowMs() + GONE_WITHIN_MS;
  while (child.killGroup(0) && clock.nowMs() < untilMs) await sleep(clock, GONE_POLL_MS);
}
