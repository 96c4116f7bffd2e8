import {setTimeout as sleep} from 'node:timers/promises';
import type {Daemon} from './daemon.ts';

/** Looks at every replica's configuration all the time. */
export interface Prober {
  /** Configurations seen so far. */
  readonly looks: number;
  /** Stops; where and when one of the watched was missing. */
  stop(): Promise<readonly string[]>;
}

const OFTEN_MS = 30;

/** Who is in `watched` may be missing in no configuration that a daemon of `daemons` tells. Each is looked at on its own. */
export function startProber(daemons: readonly Daemon[], watched: ReadonlySet<string>, everyMs = OFTEN_MS): Prober {
  const faults: string[] = [];
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
    const shown = missing.slice(0, 5).join(', ');
    faults.push(`${new Date().toISOString()} replica ${index} (${daemon.pid}): ${missing.length} missing: ${shown}`);
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
      return faults;
    },
  };
}
