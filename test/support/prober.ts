import {setTimeout as sleep} from 'node:timers/promises';
import type {Daemon} from './daemon.ts';

/** Looks at every replica's configuration all the time. */
export interface Prober {
  /** Configurations seen so far. */
  readonly looks: number;
  /** Stops; where, and from when to when, some of the watched were missing. */
  stop(): Promise<readonly string[]>;
}

interface Fault {
  readonly where: string;
  readonly who: string;
  readonly from: Date;
  till: Date;
}

const OFTEN_MS = 30;

const SAME_FAULT_MS = 1000;

/** Who is in `watched` may be missing in no configuration that a daemon of `daemons` tells. Each is looked at on its own. */
export function startProber(daemons: readonly Daemon[], watched: ReadonlySet<string>, everyMs = OFTEN_MS): Prober {
  const faults: Fault[] = [];
  const ended = new AbortController();
  let looks = 0;
  const look = async (index: number): Promise<void> => {
    const daemon = daemons[index];
    const wanted = [...watched];
    const configuration = await daemon?.get('/config');
    if (daemon === undefined || configuration?.status !== 200) return;
    looks += 1;
    const served = new Set([...configuration.body.matchAll(/ server \S+ ([\d.]+):/g)].map(([, ip]) => ip));
    const missing = wanted.filter(ip => watched.has(ip) && !served.has(ip));
    if (missing.length === 0) return;
    const till = new Date();
    const where = `replica ${index} (${daemon.pid})`;
    const who = `${missing.length} missing: ${missing.slice(0, 5).join(', ')}`;
    const last = faults.findLast(fault => fault.where === where);
    if (last?.who === who && till.getTime() - last.till.getTime() < SAME_FAULT_MS) last.till = till;
    else faults.push({where, who, from: till, till});
  };
  const running = daemons.map(async (_, index) => {
    while (!ended.signal.aborted) {
      await look(index);
      await sleep(everyMs);
    }
  });
  return {
    get looks() {
      return looks;
    },
    async stop() {
      ended.abort();
      await Promise.all(running);
      return faults.map(
        ({where, who, from, till}) => `${from.toISOString()} to ${till.toISOString()} ${where}: ${who}`,
      );
    },
  };
}
