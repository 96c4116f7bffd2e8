import {adoptProcess} from '../jobs/adopted.ts';
import type {JobSettings} from '../jobs/job.ts';
import type {ProcessTable} from '../jobs/proc.ts';
import type {Supervisor, SupervisorPorts} from '../jobs/supervisor.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {drainAll} from './drain.ts';
import {findLeftovers} from './leftovers.ts';
import {openProcessRecords} from './process-records.ts';

export interface UnadoptedPorts {
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
  readonly processes: ProcessTable;
  readonly supervise: (name: string, fields: Record<string, unknown>, ports: SupervisorPorts) => Supervisor;
}

const NEVER_AGAIN: JobSettings = {retries: 0, delayMs: () => 0, stableMs: 0, readyWithinMs: 0};

/**
 * Lets the HAProxys finish that an earlier daemon left in this folder, for a stop that comes before they are taken over:
 * whoever stops the daemon wants nobody served any more. True when all went by themselves within the grace (`drainAll`).
 */
export async function drainUnadopted(ports: UnadoptedPorts, graceMs: number, skip: AbortSignal): Promise<boolean> {
  const {dataFolder, clock, log, processes, supervise} = ports;
  const records = await openProcessRecords(dataFolder, ports).load();
  const leaving = (await findLeftovers(records, dataFolder, processes)).map(({identity, generation: number}) => {
    const supervisor = supervise(
      'haproxy',
      {generation: number},
      {
        clock,
        log,
        launch: () => Promise.reject(new Error('a HAProxy that is to go is not started anew')),
        untilReady: async () => {},
        settings: () => NEVER_AGAIN,
      },
    );
    supervisor.adopt(adoptProcess(identity, {clock, processes}));
    return {number, supervisor};
  });
  return drainAll(leaving, graceMs, skip, ports);
}
