import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';

const PERIOD_MS = 60_000;

/** Further sources of one minute are counted as one. */
const MAX_SOURCES = 1000;
const OTHERS = 'others';

/** Of a URL that somebody sent, so much is logged. */
const SHOWN_URL_CHARACTERS = 200;

/** A URL as a log line may have it: its length is its sender's choice. */
export const shownUrl = (url: string): string =>
  url.length > SHOWN_URL_CHARACTERS ? `${url.slice(0, SHOWN_URL_CHARACTERS)}…` : url;

interface Refusal {
  readonly event: string;
  readonly outcome: string;
}

/** Tells of refused requests in the log: the first of a source at once, the others of its minute as a number. */
export interface Refusals {
  note(remoteAddress: string, refusal: Refusal): void;
  /** Tells of what was only counted so far. */
  close(): void;
}

export function createRefusals({clock, log}: {readonly clock: Clock; readonly log: Log}): Refusals {
  interface Source {
    count: number;
    last: Refusal;
    readonly cancel: () => void;
  }
  const sources = new Map<string, Source>();
  const tell = (remoteAddress: string, {event, outcome}: Refusal, count: number): void =>
    log.warn({remoteAddress, event, outcome, ...(count > 1 && {count})}, 'operator was refused, or failed');

  const end = (source: string): void => {
    const ended = sources.get(source);
    sources.delete(source);
    ended?.cancel();
    if (ended !== undefined && ended.count > 0) tell(source, ended.last, ended.count);
  };

  return {
    note(remoteAddress, refusal) {
      const source = sources.has(remoteAddress) || sources.size < MAX_SOURCES ? remoteAddress : OTHERS;
      const known = sources.get(source);
      if (known !== undefined) {
        known.count += 1;
        known.last = refusal;
        return;
      }
      sources.set(source, {count: 0, last: refusal, cancel: clock.after(PERIOD_MS, () => end(source))});
      tell(remoteAddress, refusal, 1);
    },
    close() {
      for (const source of [...sources.keys()]) end(source);
    },
  };
}
