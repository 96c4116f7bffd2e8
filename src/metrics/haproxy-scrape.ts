import {rethrowBug} from '../errors.ts';
import type {Log} from '../ports/log.ts';
import type {Row} from '../proxy/answers.ts';
import {encodeHaproxyMetrics} from './haproxy.ts';

export interface ScrapePorts {
  readonly readInfo: () => Promise<ReadonlyMap<string, string>>;
  readonly readRows: () => Promise<readonly Row[]>;
  readonly log: Log;
}

/** Asks HAProxy at each scrape. What does not answer is `haproxy_up 0`; rejects for a bug of ours alone. Scrapes at once share one look. */
export function openHaproxyScrape({readInfo, readRows, log}: ScrapePorts): () => Promise<string> {
  let scrapes = 0;
  let failures = 0;
  let running: Promise<string> | undefined;

  const scrape = async (): Promise<string> => {
    scrapes += 1;
    const seen = await Promise.all([readInfo(), readRows()]).catch(err => {
      rethrowBug(err);
      log.debug({err}, 'HAProxy not scraped');
      failures += isMalformed(err) ? 1 : 0;
      return undefined;
    });
    return encodeHaproxyMetrics(seen && {info: seen[0], rows: seen[1]}, {scrapes, failures});
  };

  return () => {
    running ??= scrape().finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** An answer that came and could not be read, as against none at all. */
const isMalformed = (error: unknown): boolean => error instanceof Error && /^cannot parse answer/.test(error.message);
