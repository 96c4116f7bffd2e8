import {EXIT_CODES} from '../errors.ts';
import {disagreement, type FleetReplica, formatFleet} from '../fleet/agreement.ts';
import {type Clock, sleep} from '../ports/clock.ts';

/** How long replicas may disagree before that is a fault: a damper, a reload each in turn, and room. */
export const AGREEMENT_MS = 60_000;

const POLL_MS = 500;

/** What of `/status` is needed; `fleet` is there with a shared store only. */
export interface FleetStatus extends Omit<FleetReplica, 'id' | 'generation'> {
  readonly proxy: {readonly generation: number};
  readonly fleet?: readonly FleetReplica[];
}

export interface ShowFleetPorts {
  /** Reads `/status` of one replica: each knows all. Rejects when nobody answers. */
  readonly loadStatus: () => Promise<FleetStatus>;
  readonly print: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly clock: Clock;
  readonly boundMs?: number;
}

/**
 * `status --all`: prints all replicas as a table, once they agree or have disagreed for `boundMs` (60 s). Resolves with
 * the exit code: 0 when they agree, UNHEALTHY else.
 */
export async function showFleet({
  loadStatus,
  print,
  warn,
  clock,
  boundMs = AGREEMENT_MS,
}: ShowFleetPorts): Promise<number> {
  const untilMs = clock.nowMs() + boundMs;
  for (;;) {
    const {fleet, proxy, version, digest, inSync} = await loadStatus();
    const replicas = fleet ?? [{id: 'this one', version, digest, inSync, generation: proxy.generation}];
    const reason = disagreement(replicas);
    if (reason !== undefined && clock.nowMs() < untilMs) {
      await sleep(clock, POLL_MS);
      continue;
    }
    print(formatFleet(replicas));
    if (reason === undefined) return 0;
    warn(`haproxy-kontrol: the replicas have disagreed for ${Math.round(boundMs / 1000)} s: ${reason}\n`);
    return EXIT_CODES.UNHEALTHY;
  }
}
