import type {Span} from './model.ts';
import {type Discrepancy, slopeOf} from './oracle.ts';
import type {TrafficReport} from './traffic.ts';
import type {Usage} from './usage.ts';

/** What came of a run. */
export interface Summary {
  readonly seed: number;
  readonly store: string;
  readonly haproxy: string | null;
  readonly ranMs: number;
  readonly actions: Readonly<Record<string, number>>;
  /** Daemons that there were. */
  readonly lives: number;
  /** Times that a daemon lacked CPU for seconds: the machine was too busy for figures. */
  readonly stalls: number;
  readonly guardHolds: number;
  readonly generation: number;
  readonly requests: TrafficReport & {readonly inherent: number};
  readonly windows: readonly Span[];
  readonly usages: readonly (readonly Usage[])[];
  readonly problems: readonly Discrepancy[];
  readonly logs: string;
}

const MAX_SHOWN = 5;

const pairs = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || 'none';

/** The summary for a person, a few lines; the verdict is the last but the problems. */
export function writeSummary(summary: Summary): string {
  const {requests, windows, usages, problems} = summary;
  const all = usages.flat();
  const max = (of: (usage: Usage) => number) => Math.max(0, ...all.map(of));
  const longestMs = Math.max(0, ...windows.map(({fromMs, toMs}) => toMs - fromMs));
  const slopes = usages.map(slopeOf).filter(slope => slope !== undefined);
  return [
    `seed ${summary.seed}, store ${summary.store}, HAProxy ${summary.haproxy}, ${(summary.ranMs / 60_000).toFixed(1)} min`,
    `actions: ${pairs(summary.actions)}`,
    `daemons ${summary.lives}, generations ${summary.generation}, guard held ${summary.guardHolds} times (last daemon), ` +
      `${summary.stalls} times out of CPU`,
    `requests: ${requests.sent} sent, ${requests.ok} answered, ${requests.inherent} cut by kill -9 of HAProxy ` +
      `(${windows.length} windows, the longest ${longestMs} ms): ${pairs(requests.failures)}`,
    `connections: ${requests.delayed} took 0.9 s or more, the slowest ${Math.round(requests.maxConnectMs)} ms`,
    `maxima: RSS ${Math.round(max(usage => usage.rssKib) / 1024)} MiB, ${max(usage => usage.descriptors)} descriptors, ` +
      `${max(usage => usage.children.length)} children, ${max(usage => usage.files.length)} files, ` +
      `${max(usage => usage.historyFiles)} of the history`,
    `memory: ${slopes.map(slope => `${Math.round(slope)} KiB a minute`).join(', ') || 'no daemon lived long enough for a slope'}`,
    problems.length === 0
      ? 'verdict: ok'
      : `verdict: FAILED, ${problems.length} discrepancies; logs in ${summary.logs}`,
    ...problems.slice(0, MAX_SHOWN).map(({what, detail}) => `- ${what}: ${detail}`),
    '',
  ].join('\n');
}
