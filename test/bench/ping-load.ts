import {startHelper} from '../support/helper.ts';
import {machine} from '../support/place.ts';

/**
 * When the next ping is sent. `closed`: as fast as answers come, over `inFlight` connections at a time; `new` makes one
 * for each ping, as the slaves of 2017 do, `kept` uses them for all. `open`: at a steady rate, each over a new
 * connection, whatever became of those before.
 */
export type Pace =
  | {readonly is: 'closed'; readonly inFlight: number; readonly connections: 'new' | 'kept'}
  | {readonly is: 'open'; readonly perSecond: number};

/** Slaves that ping in turns and never have any news. */
export interface PingLoad {
  readonly port: number;
  /** Distinct slaves: 10.0.0.1 and on. */
  readonly slaves: number;
  /** Pings in all. */
  readonly count: number;
  readonly pace: Pace;
}

export interface PingReport {
  readonly answered: number;
  readonly failed: number;
  readonly durationMs: number;
  /** From the start of the connection (or the request, when kept) to the end of the answer. */
  readonly latencyMs: {readonly p50: number; readonly p99: number; readonly max: number};
}

/** Runs a load in a process of its own and resolves with what it saw. */
export async function runPingLoad(load: PingLoad): Promise<PingReport> {
  await using helper = await startHelper<'run', PingReport>('ping-load-process.ts', import.meta.url, machine, load);
  return await helper.ask('run');
}
