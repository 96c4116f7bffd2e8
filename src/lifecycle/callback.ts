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

interface State {
  readonly ports: CallbackPorts;
  readonly statePath: string;
  readonly stop: AbortController;
  /** `STATE`; undefined until a callback has written one. */
  state: string | undefined;
  pending: CallbackNews | undefined;
  told: string | undefined;
  failures: number;
  cancelRetry: () => void;
  running: Promise<void> | undefined;
}

/**
 * Runs the command with `PODS`, `MD5`, `HASH` (the same) and, once a run has written one, `STATE`, one at a time. What exceeds a variable comes as a
 * file alone, named by `PODS_FILE` and `STATE_FILE`. Its stdout, when JSON, becomes the next `STATE` and is on disk
 * before anybody relies on it. A failure is tried again, after 1, 2, 4, … 60 s, with the latest news.
 */
export async function openCallback(ports: CallbackPorts): Promise<Callback> {
  const statePath = `${ports.folder}/callback-state.json`;
  const state: State = {
    ports,
    statePath,
    stop: new AbortController(),
    state: await ports.files.readText(statePath).catch(() => undefined),
    pending: undefined,
    told: undefined,
    failures: 0,
    cancelRetry: () => {},
    running: undefined,
  };
  return {
    tell(news) {
      if (news.digest === state.told) return;
      state.told = news.digest;
      state.cancelRetry();
      state.pending = news;
      pump(state);
    },
    async close() {
      state.cancelRetry();
      state.stop.abort();
      await state.running;
    },
  };
}

function pump(state: State): void {
  const news = state.pending;
  if (state.running !== undefined || news === undefined || state.stop.signal.aborted) return;
  state.pending = undefined;
  state.running = attempt(state, news).then(ok => {
    state.running = undefined;
    state.failures = ok ? 0 : state.failures + 1;
    if (!ok) retry(state, news);
    pump(state);
  });
}

function retry(state: State, news: CallbackNews): void {
  if (state.stop.signal.aborted || state.pending !== undefined) return;
  const {clock, log} = state.ports;
  const delayMs = deriveBackoffMs(state.failures, RETRY);
  log.warn({delayMs, attempt: state.failures}, 'callback is tried again');
  state.cancelRetry = clock.after(delayMs, () => {
    state.pending ??= news;
    pump(state);
  });
}

async function attempt(state: State, news: CallbackNews): Promise<boolean> {
  const {clock, log, capture, command} = state.ports;
  try {
    const env = await environment(state, news);
    const finished = await capture(
      {file: '/bin/sh', args: ['-c', command], env},
      {
        clock,
        timeoutMs: LIMIT_MS,
        maxBytes: MAX_STATE_BYTES,
        signal: state.stop.signal,
        onErrorLine: line => log.info({line, stream: 'stderr'}, 'callback wrote'),
      },
    );
    if (finished.ended !== 'itself' || finished.code !== 0) {
      log.warn({digest: news.md5, reason: failureOf(finished)}, 'callback failed');
      return false;
    }
    await keep(state, finished.stdout.toString().trim());
    log.info({digest: news.md5}, 'callback ended');
    return true;
  } catch (error) {
    log.warn({digest: news.md5, reason: reasonOf(error)}, 'callback failed');
    return false;
  }
}

async function environment({ports, state}: State, {md5, pods}: CallbackNews): Promise<Record<string, string>> {
  const {fitting} = splitFitting(ports.env());
  const env: Record<string, string> = {...fitting, MD5: md5, HASH: md5};
  const inputs = {PODS: pods, ...(state !== undefined && {STATE: state})};
  for (const [name, value] of Object.entries(inputs)) {
    if (fitsEnvironment(name, value)) {
      env[name] = value;
    } else {
      const path = `${ports.folder}/callback-${name.toLowerCase()}.input`;
      await ports.files.replaceBytes(path, Buffer.from(value), OWNER_ONLY);
      env[`${name}_FILE`] = path;
    }
  }
  return env;
}

async function keep(state: State, text: string): Promise<void> {
  const {files, log} = state.ports;
  if (text === '' || text === state.state) return;
  if (!isJson(text)) {
    log.warn({reason: 'its output is not JSON'}, 'callback output ignored: STATE stays as it was');
    return;
  }
  state.state = text;
  await files.replace(state.statePath, text, OWNER_ONLY);
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
