import {foreseenReason} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {deriveDelete} from '../proxy/server-commands.ts';
import type {StagedGeneration} from './generation.ts';

/** How often a removed server is tried to be deleted: its connections finish first. */
const RETRY_MS = 2000;

/** `No such server`: an operator was faster, or the process that had it is gone. */
const IS_GONE = /deleted|No such server/i;

/** Servers that were taken out of the running HAProxy and stay there, in maintenance, until their connections have ended. */
export interface RemovedServers {
  has(backend: string, server: string): boolean;
  /** Those of other generations are forgotten: they go with their process. */
  add(generation: StagedGeneration, servers: readonly {readonly backend: string; readonly server: string}[]): void;
  /** Deletes those that have no connections any more, now and every 2 s as long as some are left. Never rejects. */
  sweep(): Promise<void>;
}

interface Removed {
  readonly generation: StagedGeneration;
  readonly command: string;
}

export function createRemovedServers({
  ask,
  clock,
}: {
  readonly ask: (socket: string, command: string) => Promise<string>;
  readonly clock: Clock;
}): RemovedServers {
  let removed = new Map<string, Removed>();
  let isSweepDue = false;

  const deleteIdle = async (): Promise<void> => {
    for (const [key, {generation, command}] of [...removed]) {
      const isServing = generation.supervisor.job.is === 'RUNNING';
      if (!isServing || IS_GONE.test(await ask(generation.paths.socket, command).catch(foreseenReason)))
        removed.delete(key);
    }
  };

  const sweep = async (): Promise<void> => {
    await deleteIdle();
    if (isSweepDue || removed.size === 0) return;
    isSweepDue = true;
    clock.after(RETRY_MS, () => {
      isSweepDue = false;
      void sweep();
    });
  };

  return {
    has: (backend, server) => removed.has(keyOf(backend, server)),
    add(generation, servers) {
      removed = new Map([...removed].filter(([, one]) => one.generation === generation));
      for (const {backend, server} of servers) {
        removed.set(keyOf(backend, server), {generation, command: deriveDelete(backend, server)});
      }
    },
    sweep,
  };
}

const keyOf = (backend: string, server: string): string => `${backend}/${server}`;
