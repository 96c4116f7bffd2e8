import {type Load, type LoadReport, type Loss, startLoad} from '../support/load.ts';
import type {TwoNamespaces} from '../support/namespaces.ts';
import {WEB_PORT} from './templates.ts';

/** What all clients together saw. */
export interface TrafficReport {
  readonly sent: number;
  readonly ok: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly losses: readonly Loss[];
  readonly maxConnectMs: number;
  readonly delayed: number;
}

export interface Traffic extends AsyncDisposable {
  report(): Promise<TrafficReport>;
  /** Begins nothing more and waits for what is under way. */
  stop(): Promise<TrafficReport>;
}

/** So little that the machine itself is no bottleneck: new connections, kept ones, and downloads that take 3 s. */
const PER_SECOND = 30;
const KEPT = {clients: 5, gapMs: 150} as const;
const DOWNLOADS = {clients: 2} as const;

function addUp(reports: readonly LoadReport[]): TrafficReport {
  const sum = (of: (report: LoadReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  const failures: Record<string, number> = {};
  for (const [kind, count] of reports.flatMap(report => Object.entries(report.failures))) {
    failures[kind] = (failures[kind] ?? 0) + count;
  }
  return {
    sent: sum(report => report.sent),
    ok: sum(report => report.ok),
    failures,
    losses: reports.flatMap(report => report.losses).sort((a, b) => a.endedAt - b.endedAt),
    maxConnectMs: Math.max(...reports.map(report => report.connectMs.max)),
    delayed: sum(report => report.delayed),
  };
}

/** Starts steady traffic from the client's side; it ends by itself after `durationMs`. */
export async function startTraffic(net: TwoNamespaces, durationMs: number): Promise<Traffic> {
  await using undo = new AsyncDisposableStack();
  const target = {host: net.proxy.ip, port: WEB_PORT, durationMs};
  const maxCount = Math.ceil((PER_SECOND * durationMs) / 1000);
  const loads: Load[] = [];
  for (const settings of [
    {mode: 'connect', perSecond: PER_SECOND, maxCount, ...target},
    {mode: 'keepalive', ...KEPT, ...target},
    {mode: 'slow', ...DOWNLOADS, ...target},
  ] as const) {
    loads.push(undo.use(await startLoad(settings, net.client)));
  }
  const kept = undo.move();
  return {
    report: async () => addUp(await Promise.all(loads.map(load => load.report()))),
    stop: async () => addUp(await Promise.all(loads.map(load => load.stop()))),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
