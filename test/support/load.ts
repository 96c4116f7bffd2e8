import {type Helper, startHelper} from './helper.ts';
import {machine, type Place} from './place.ts';

interface Target {
  readonly host: string;
  readonly port: number;
  /** The load ends by itself after this long, whatever else happens. */
  readonly durationMs: number;
}

/** Open loop: a new connection with one request at a steady rate, however slow the answers come. */
export interface ConnectLoad extends Target {
  readonly mode: 'connect';
  readonly perSecond: number;
  /** A bound on the requests in all; 100,000 when absent. */
  readonly maxCount?: number;
}

/** Clients that keep one connection each and send a request every `gapMs`. */
export interface KeepaliveLoad extends Target {
  readonly mode: 'keepalive';
  readonly clients: number;
  readonly gapMs: number;
}

/** Clients that download the backends' slow path again and again; each download is checked to its last byte. */
export interface SlowLoad extends Target {
  readonly mode: 'slow';
  readonly clients: number;
}

export type LoadSettings = ConnectLoad | KeepaliveLoad | SlowLoad;

/** A request that failed; times in epoch milliseconds. */
export interface Loss {
  readonly kind: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface LoadReport {
  /** Requests begun; those neither `ok` nor `failed` are in flight. */
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  /** Failures by kind: `refused`, `reset`, `timeout`, `truncated`, `status 503`, or a system code. */
  readonly failures: Readonly<Record<string, number>>;
  /** The first ten thousand of them, with their times. */
  readonly losses: readonly Loss[];
  /** Kept connections that were closed without an answer that announced it; harmless between two requests. */
  readonly breaks: number;
  /** How long connections took to be made. */
  readonly connectMs: {readonly p50: number; readonly p99: number; readonly max: number};
  /** Connections that took 900 ms or more: their SYN was lost and sent again. */
  readonly delayed: number;
  /** Good answers by backend. */
  readonly answers: Readonly<Record<string, number>>;
}

/** What a running load is asked: how it stands, or for its last word once it has ended or `stop` ended it. */
export type LoadQuestion = 'report' | 'end' | 'stop';

export interface Load extends AsyncDisposable {
  /** The counts so far. */
  report(): Promise<LoadReport>;
  /** Waits until the duration is over and nothing is in flight. */
  ended(): Promise<LoadReport>;
  /** Begins nothing more, waits for what is in flight. */
  stop(): Promise<LoadReport>;
}

/** Starts a load client at `place`, in a process of its own so that the test's own work delays nothing it measures. */
export async function startLoad(settings: LoadSettings, place: Place = machine): Promise<Load> {
  const helper: Helper<LoadQuestion, LoadReport> = await startHelper(
    '../load/load-process.ts',
    import.meta.url,
    place,
    settings,
  );
  return {
    report: () => helper.ask('report'),
    ended: () => helper.ask('end'),
    stop: () => helper.ask('stop'),
    [Symbol.asyncDispose]: () => helper[Symbol.asyncDispose](),
  };
}

/** What happened between two reports of one load, by backend. */
export function answersBetween(before: LoadReport, after: LoadReport): Record<string, number> {
  const counts = Object.entries(after.answers).map(
    ([name, count]) => [name, count - (before.answers[name] ?? 0)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
