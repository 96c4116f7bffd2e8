import type {Clock} from '../ports/clock.ts';
import type {Child, Exit} from '../ports/spawn.ts';
import type {ProcessIdentity, ProcessTable} from './proc.ts';

const POLL_MS = 500;

/**
 * A process that an earlier daemon started, as a `Child`: not ours to wait for, so its end is seen by looking every
 * 0.5 s, and every signal checks its start time first. How it exited cannot be known.
 */
export function adoptProcess(
  identity: ProcessIdentity,
  {clock, processes}: {clock: Clock; processes: Pick<ProcessTable, 'isAlive' | 'signal'>},
): Child {
  const exited = new Promise<Exit>(resolve => {
    const look = async () => {
      // Where it cannot be looked for (no descriptor is left), it is not known to be gone.
      if (await processes.isAlive(identity).catch(() => true)) clock.after(POLL_MS, () => void look());
      else resolve({code: undefined, signal: undefined});
    };
    void look();
  });
  return {
    pid: identity.pid,
    exited,
    kill(signal) {
      // One that may not be signalled, or not be looked for now, is as one that does not obey: whoever waits goes on.
      void processes.signal(identity, signal).catch(() => false);
      return true;
    },
  };
}
