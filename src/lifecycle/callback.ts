import {reasonOf} from '../errors.ts';
import {type Backoff, deriveBackoffMs} from '../ports/backoff.ts';
import type {Capture, Captured} from '../ports/capture.ts';
import type {Clock} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {fitsEnvironment, splitFitting} from './variables.ts';

/** What a callback is about: the pods of a pass, and a digest that changes when anything the pass saw did. */
export interface CallbackNews {
  readonly digest: string;
  /** As `GET /state` says it. */
  readonly md5: string;
  /** JSON of all pods, in the order of the hosts. */
  readonly pods: string;
}

export interface CallbackPorts {
  readonly clock: Clock;
  readonly files: Pick<Files, 'readText' | 'replace' | 'replaceBytes'>;
  readonly log: Log;
  readonly capture: Capture;
  /** For `/bin/sh -c`. */
  readonly command: string;
  readonly env: () => Readonly<Record<string, string>>;
  /** Where `STATE`, `PODS_FILE` and `STATE_FILE` lie. */
  readonly folder: string;
}

/** `KONTROL_CALLBACK` (docs/contract-2017.md#environment): runs beside the passes and never holds one up. */
export interface Callback {
  /** A pass ended well: runs once its digest is a new one; of those that come while it runs, the latest counts. */
  tell(news: CallbackNews): void;
  /** Ends what runs. */
  close(): Promise<void>;
}

const LIMIT_MS = 300_000;
const MAX_STATE_BYTES = 1 << 20;
const RETRY: Backoff = {firstMs: 1000, maxMs: 60_000};
const OWNER_ONLY = 0o600;
const NO_STATE = '{}';

/**
 * Runs the command with `PODS`, `MD5`, `HASH` (the same) and `STATE`, one at a time. What exceeds a variable comes as a
 * file alone, named by `PODS_FILE` and `STATE_FILE`. Its stdout, when JSON, becomes the next `STATE` and is on disk
 * before anybody relies on it. A failure is tried again, after 1, 2, 4, … 60 s, with the latest news.
 */
export async function openCallback(ports: CallbackPorts): Promise<Callback> {
  const {clock, files, log} = ports;
  const statePath = `${ports.folder}/callback-state.json`;
  let state = (await files.readText(statePath).catch(() => undefined)) ?? NO_STATE;
  let pending: CallbackNews | undefined;
  let told: string | undefined;
  let failures = 0;
  let cancelRetry = () => {};
  let running: Promise<void> | undefined;
  const stop = new AbortController();

  const pump = (): void => {
    if (running !== undefined || pending === undefined || stop.signal.aborted) return;
    const news = pending;
    pending = undefined;
    running = attempt(news).then(ok => {
      running = undefined;
      failures = ok ? 0 : failures + 1;
      if (!ok) retry(news);
      pump();
    });
  };

  const retry = (news: CallbackNews): void => {
    if (stop.signal.aborted || pending !== undefined) return;
    const delayMs = deriveBackoffMs(failures, RETRY);
    log.warn({delayMs, attempt: failures}, 'callback is tried again');
    cancelRetry = clock.after(delayMs, () => {
      pending ??= news;
      pump();
    });
  };

  const attempt = async (news: CallbackNews): Promise<boolean> => {
    try {
      const env = await environment(news);
      const finished = await ports.capture(
        {file: '/bin/sh', args: ['-c', ports.command], env},
        {
          clock,
          timeoutMs: LIMIT_MS,
          maxBytes: MAX_STATE_BYTES,
          signal: stop.signal,
          onErrorLine: line => log.info({line, stream: 'stderr'}, 'callback wrote'),
        },
      );
      if (finished.ended !== 'itself' || finished.code !== 0) {
        log.warn({digest: news.md5, reason: failureOf(finished)}, 'callback failed');
        return false;
      }
      await keep(finished.stdout.toString());
      log.info({digest: news.md5}, 'callback ended');
      return true;
    } catch (error) {
      log.warn({digest: news.md5, reason: reasonOf(error)}, 'callback failed');
      return false;
    }
  };

  const environment = async ({md5, pods}: CallbackNews): Promise<Record<string, string>> => {
    const {fitting} = splitFitting(ports.env());
    const env: Record<string, string> = {...fitting, MD5: md5, HASH: md5};
    for (const [name, value] of Object.entries({PODS: pods, STATE: state})) {
      if (fitsEnvironment(name, value)) {
        env[name] = value;
      } else {
        const path = `${ports.folder}/callback-${name.toLowerCase()}.input`;
        await files.replaceBytes(path, Buffer.from(value), OWNER_ONLY);
        env[`${name}_FILE`] = path;
      }
    }
    return env;
  };

  const keep = async (stdout: string): Promise<void> => {
    const text = stdout.trim();
    if (text === '' || text === state) return;
    if (!isJson(text)) {
      log.warn({reason: 'its output is not JSON'}, 'callback output ignored: STATE stays as it was');
      return;
    }
    state = text;
    await files.replace(statePath, state, OWNER_ONLY);
  };

  return {
    tell(news) {
      if (news.digest === told) return;
      told = news.digest;
      cancelRetry();
      pending = news;
      pump();
    },
    async close() {
      cancelRetry();
      stop.abort();
      await running;
    },
  };
}

function failureOf({ended, code, signal}: Captured): string {
  switch (ended) {
    case 'timeout':
      return `it took longer than ${LIMIT_MS} ms`;
    case 'overflow':
      return `it wrote more than ${MAX_STATE_BYTES} bytes`;
    case 'abort':
      return 'the daemon stops';
    case 'itself':
      return `it ended with ${signal ?? `exit code ${code}`}`;
  }
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
