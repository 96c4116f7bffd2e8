import {DaemonError, reasonOf} from '../errors.ts';
import {type Clock, sleep, within} from '../ports/clock.ts';
import type {OwnChild, Spawn} from '../ports/spawn.ts';

const POLL_MS = 100;
const SERVING_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 15_000;

/** The demo's daemon: the real one, as a process of its own, as it would run in a pod. Disposing stops it in order. */
export interface DemoDaemon extends AsyncDisposable {
  /** Resolves when it has ended, with what it wrote last to stderr. Never rejects. */
  readonly ended: Promise<string>;
  /** Resolves once HAProxy serves `count` backends; rejects with PROXY when that cannot be. */
  untilServing(count: number, signal: AbortSignal): Promise<void>;
}

interface Seen {
  readonly inSync: boolean;
  readonly lastError: string | null;
  readonly hosts: Readonly<Record<string, readonly string[]>>;
}

/** Starts `main run` with `env`; every line it writes goes to `onLine`. */
export async function startDemoDaemon(
  {main, env, statusPort}: {main: string; env: Readonly<Record<string, string>>; statusPort: number},
  {spawn, clock, onLine}: {spawn: Pick<Spawn, 'start'>; clock: Clock; onLine: (line: string) => void},
): Promise<DemoDaemon> {
  let lastWords = 'it wrote nothing';
  const child: OwnChild = await spawn.start({file: process.execPath, args: [main, 'run'], env}, (line, stream) => {
    if (stream === 'stderr') lastWords = line;
    onLine(line);
  });
  const ended = child.exited.then(() => lastWords);
  const refuse = (reason: string) => new DaemonError('PROXY', `cannot run the demo: ${reason}`);

  const look = async (): Promise<Seen | {readonly lastError: string}> => {
    try {
      const response = await fetch(`http://127.0.0.1:${statusPort}/status`);
      return (await response.json()) as Seen;
    } catch (error) {
      return {lastError: `no answer on the status port: ${reasonOf(error)}`};
    }
  };

  const poll = async (count: number, signal: AbortSignal): Promise<void> => {
    const deadlineMs = clock.nowMs() + SERVING_WITHIN_MS;
    for (;;) {
      const seen = await look();
      if ('hosts' in seen && seen.inSync && seen.hosts.web?.length === count) return;
      const reason = seen.lastError ?? 'not all backends are in the configuration';
      if (clock.nowMs() > deadlineMs) throw refuse(`not serving after ${SERVING_WITHIN_MS / 1000} s: ${reason}`);
      await sleep(clock, POLL_MS, signal);
    }
  };

  return {
    ended,
    async untilServing(count, signal) {
      const settled = new AbortController();
      const died = ended.then(words => {
        throw refuse(`the daemon ended: ${words}`);
      });
      try {
        await Promise.race([poll(count, AbortSignal.any([signal, settled.signal])), died]);
      } finally {
        settled.abort();
      }
    },
    async [Symbol.asyncDispose]() {
      // The second one cuts the daemon's waits short; only it can end HAProxy, which is in a session of its own.
      for (const signal of ['SIGTERM', 'SIGTERM', 'SIGKILL'] as const) {
        child.kill(signal);
        if ((await within(clock, STOP_WITHIN_MS, child.exited)) !== undefined) return;
      }
    },
  };
}
