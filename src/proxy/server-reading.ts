import {DaemonError} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Log} from '../ports/log.ts';
import type {Row} from './answers.ts';
import {readServersByIp, type ServersByIp} from './server-view.ts';

/** The servers as HAProxy has them, asked for when somebody wants to know: nobody looks, nothing is asked. */
export interface ServerReading {
  /** As they were read last; undefined when that is too long ago, and while HAProxy does not answer. */
  readonly latest: ServersByIp | undefined;
  /** Reads them, unless they are fresh. Callers at once share one look. Never rejects for what HAProxy does. */
  read(): Promise<ServersByIp | undefined>;
}

export interface ServerReadingPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
  /** The rows of `show stat` for servers. Rejects with PROXY. */
  readonly readRows: () => Promise<readonly Row[]>;
  /** A check that fails tells what it looked for. */
  readonly hideSecrets: (said: string) => string;
}

const FRESH_MS = 2000;

/** With more servers each look costs HAProxy and us more than a screen that is 10 s old. */
const MANY_SERVERS = 1000;
const FRESH_MS_WITH_MANY = 10_000;

/** Older than this, nothing is known: nobody has looked for a while. */
const STALE_MS = 30_000;

export function createServerReading({clock, log, readRows, hideSecrets}: ServerReadingPorts): ServerReading {
  let latest: ServersByIp | undefined;
  let readMs = Number.NEGATIVE_INFINITY;
  let running: Promise<ServersByIp | undefined> | undefined;

  const look = async (): Promise<ServersByIp | undefined> => {
    try {
      latest = await stepByStep(readServersByIp(await readRows(), hideSecrets));
    } catch (err) {
      if (!(err instanceof DaemonError)) throw err;
      log.debug({err}, 'servers not read');
      latest = undefined;
    }
    readMs = clock.nowMs();
    return latest;
  };

  return {
    get latest() {
      return clock.nowMs() - readMs < STALE_MS ? latest : undefined;
    },
    async read() {
      const freshMs = (latest?.size ?? 0) > MANY_SERVERS ? FRESH_MS_WITH_MANY : FRESH_MS;
      if (clock.nowMs() - readMs < freshMs) return latest;
      running ??= look().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}
