import {isDeepStrictEqual} from 'node:util';
import type {Patch} from '../proxy/patch.ts';
import type {PassRecord} from './passes.ts';

/** A pod as the history names it. */
export interface Mover {
  readonly app: string;
  readonly ip: string;
  readonly id: string;
}

/** `why` is `down`, `silent`, `replaced`, `evicted`, or `unknown` for what an earlier daemon did not write down. */
export interface Leaver extends Mover {
  readonly why: string;
}

/** Pods that came or went; `more` counts those that are not named. */
export interface Movers<Pod> {
  readonly pods: readonly Pod[];
  readonly more: number;
}

/** A text that is kept on disk under its digest. */
export interface TextRef {
  readonly digest: string;
  readonly bytes: number;
}

/** One pass with what it changed; its configuration and its template are kept beside, as long as there is room. */
export interface HistoryEntry extends PassRecord {
  readonly joined: Movers<Mover>;
  readonly left: Movers<Leaver>;
  /** Against the text that served before; credentials hidden. */
  readonly difference: Patch;
  /** The texts differ in what is hidden of them, which `difference` does not show. */
  readonly secretsChanged: boolean;
  readonly configuration: TextRef | null;
  readonly template: TextRef | null;
  /** A failed pass that was tried again with the same outcome: how often, and the last of them. */
  readonly retries?: {readonly count: number; readonly lastPass: number; readonly lastAt: number};
}

/** What is written down: the passes, oldest first, and the pods that the last one knew. */
export interface History {
  readonly entries: readonly HistoryEntry[];
  readonly pods: readonly Mover[];
}

const MAX_ENTRIES = 200;

/** More pods than this in one pass are counted, not named. */
export const MAX_NAMED_PODS = 100;

/** Configurations and templates together; the oldest passes lose theirs first. */
const MAX_KEPT_BYTES = 32 << 20;

export const noHistory: History = {entries: [], pods: []};

const named = <Pod>(pods: readonly Pod[]): Movers<Pod> => ({
  pods: pods.slice(0, MAX_NAMED_PODS),
  more: Math.max(0, pods.length - MAX_NAMED_PODS),
});

/** Who is in `after` but not in `before`, and the other way round. Another pod on an IP has both left and joined. */
export function deriveMovers(
  before: readonly Mover[],
  after: readonly Mover[],
  whyLeft: (pod: Mover) => string,
): {joined: Movers<Mover>; left: Movers<Leaver>} {
  const without = (pods: readonly Mover[], others: readonly Mover[]): readonly Mover[] => {
    const byIp = new Map(others.map(pod => [pod.ip, pod]));
    return pods.filter(pod => !isSame(pod, byIp.get(pod.ip)));
  };
  return {
    joined: named(without(after, before).map(({app, ip, id}) => ({app, ip, id}))),
    left: named(without(before, after).map(({app, ip, id}) => ({app, ip, id, why: whyLeft({app, ip, id})}))),
  };
}

const isSame = (a: Mover, b: Mover | undefined): boolean => a.ip === b?.ip && a.app === b.app && a.id === b.id;

/** Failures and passes without effect may not push out these: there is something to go back to. */
const MIN_GOOD_ENTRIES = 50;

/** Failed for the same reason, on the same template, with nobody else coming or going in between. */
const isRetry = (before: HistoryEntry | undefined, entry: HistoryEntry): boolean =>
  before?.verdict === 'failed' &&
  entry.verdict === 'failed' &&
  lastingOf(before.error) === lastingOf(entry.error) &&
  before.template?.digest === entry.template?.digest &&
  isDeepStrictEqual([before.joined, before.left], [entry.joined, entry.left]);

/** A candidate's number differs from one try to the next and tells nothing. */
const lastingOf = (error: string | null): string => (error ?? '').replace(/\/run\/\d+\.cfg/g, '/run/N.cfg');

const withRetry = (before: HistoryEntry, {pass, startedAt}: HistoryEntry): HistoryEntry => ({
  ...before,
  retries: {count: (before.retries?.count ?? 0) + 1, lastPass: pass, lastAt: startedAt},
});

/** The oldest beyond the bound are forgotten, those that failed or changed nothing first. */
function forget(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const surplus = entries.length - MAX_ENTRIES;
  if (surplus <= 0) return entries;
  const good = entries.filter(({verdict}) => verdict === 'ok');
  const kept = new Set(good.slice(-MIN_GOOD_ENTRIES));
  const forgotten = new Set(entries.filter(entry => !kept.has(entry)).slice(0, surplus));
  return entries.filter(entry => !forgotten.has(entry));
}

/** Adds an entry, or counts it as a retry of the last one; forgets the oldest beyond the bound. */
export function appendEntry({entries}: History, entry: HistoryEntry, pods: readonly Mover[]): History {
  const before = entries.at(-1);
  if (before !== undefined && isRetry(before, entry))
    return {entries: [...entries.slice(0, -1), withRetry(before, entry)], pods};
  return {entries: forget([...entries, entry]), pods};
}

/** The texts worth keeping: those of what serves, and of the newest passes, as many as fit into `maxBytes`. */
export function textsToKeep(entries: readonly HistoryEntry[], maxBytes = MAX_KEPT_BYTES): ReadonlySet<string> {
  const kept = new Set<string>();
  let bytes = 0;
  const serving = lastServed(entries);
  for (const {configuration, template} of [...(serving === undefined ? [] : [serving]), ...entries.toReversed()]) {
    for (const ref of [configuration, template]) {
      if (ref === null || kept.has(ref.digest)) continue;
      bytes += ref.bytes;
      if (bytes > maxBytes && kept.size > 1) return kept;
      kept.add(ref.digest);
    }
  }
  return kept;
}

/** The newest pass, other than a failed one, that ended before `atMs` or at all: what served then. */
export const lastServed = (entries: readonly HistoryEntry[]): HistoryEntry | undefined =>
  entries.findLast(({verdict}) => verdict !== 'failed');

/** The number of the last pass, retries included; 0 before the first. */
export const lastPassOf = (entries: readonly HistoryEntry[]): number => {
  const last = entries.at(-1);
  return last?.retries?.lastPass ?? last?.pass ?? 0;
};

/** Where apps that nobody came to since lost their last pods: what served before, and the pass that took the last one out. */
export function partingsOf(entries: readonly HistoryEntry[]): {before: HistoryEntry; after: HistoryEntry}[] {
  const ends = new Set(appsThatLeft(entries).values());
  const good = entries.filter(({verdict}) => verdict !== 'failed');
  return good.flatMap((after, index) => {
    const before = good[index - 1];
    return before !== undefined && ends.has(after.startedAt) ? [{before, after}] : [];
  });
}

/** Of each app that pods left and none came to since, when the last pass that took one out began. The oldest entries first. */
export function appsThatLeft(
  entries: readonly Pick<HistoryEntry, 'verdict' | 'joined' | 'left' | 'startedAt'>[],
): ReadonlyMap<string, number> {
  const apps = new Map<string, number>();
  for (const {verdict, joined, left, startedAt} of entries) {
    if (verdict === 'failed') continue;
    for (const {app} of left.pods) apps.set(app, startedAt);
    for (const {app} of joined.pods) apps.delete(app);
  }
  return apps;
}
