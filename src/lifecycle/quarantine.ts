import {createHash} from 'node:crypto';
import {isStartRefusal, reasonOf, rethrowBug} from '../errors.ts';
import {deriveBackoffMs} from '../ports/backoff.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {createSource, type OpenSource, type Source} from '../ports/source.ts';
import type {Pod, TemplateInput} from '../template/input.ts';
import {canBeOfPods, findByChecks, findByStarts, tryInput} from './bad-pod-trials.ts';
import type {BadPod, Failing} from './find-bad-pods.ts';
import type {KeptEntry, QuarantineFile} from './quarantine-file.ts';
import {type Entry, hasten, RETRY, timed} from './retry-times.ts';
import {asTheyWorkedElsewhere, offerEarlier, type SharedQuarantine} from './shared-quarantine.ts';
import {deriveSuspects, isOverBound, type Suspect, saysTheSame, withoutSuspects} from './suspects.ts';

/*
 * INVARIANTS
 * - A member is in quarantine for one template and for what it says of itself: it is tried again with another template,
 *   when it says something else, soon after another one left or changed, and now and then. A template that fails by itself
 *   is tried without those that are in it.
 * - One that worked before is served as it was then; only one that never did is left out.
 * - A restart changes nothing of it.
 * - More of an app than the bound: only when nothing else can serve, and it is said. Another template may then do without
 *   the same pods.
 * - Nobody is blamed for what passes: a HAProxy that cannot be started is started anew both with and without them, and
 *   who makes a template take too long or grow too large does so alone.
 */

/** A member with which no configuration can be made, as people see it. */
export interface Quarantined {
  readonly ip: string;
  readonly app: string;
  readonly id: string;
  /** HAProxy's words, or the template's. */
  readonly reason: string;
  /** Epoch ms. */
  readonly sinceAt: number;
  /** `as before`: with what it said when it last worked. */
  readonly served: 'as before' | 'not at all';
  /** It is one of more pods of its app than the bound allows. */
  readonly overBound: boolean;
}

export interface QuarantinePorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Renders and validates, and leaves nothing behind; rejects with what it fails of. */
  readonly tryOut: (input: TemplateInput, signal: AbortSignal) => Promise<unknown>;
  /** How much of an app may be in quarantine, per cent; 0 switches it off. */
  readonly percent: number;
  readonly hideSecrets: (said: string) => string;
  /** What an earlier daemon left, and this one leaves. */
  readonly file: QuarantineFile;
  /** The other replicas know what pods said when they worked; absent where there is one replica. */
  readonly shared?: SharedQuarantine;
  /** Nothing is tried any more once it aborts. */
  readonly ended: AbortSignal;
}

export type Isolation =
  /** It works from now on. */
  | {readonly is: 'isolated'}
  /** It would, without more of an app than may be: `hold` puts them into quarantine all the same. */
  | {readonly is: 'too many'; readonly hold: () => Promise<void>}
  /** It fails without them as well, of `fault`. `isKnown`: they are in quarantine, and kept out of it from now on. */
  | {readonly is: 'innocent'; readonly fault: unknown; readonly isKnown: boolean}
  /** No pod can be the cause, or it cannot be found out. */
  | {readonly is: 'unknown'};

/** Members that are kept out of the template's sight since it fails with them. */
export interface Quarantine {
  /** What a template sees: those in quarantine as they were, or not at all. */
  apply(input: TemplateInput): TemplateInput;
  /**
   * Finds who makes an input fail, among those who came or changed since `before` worked. `serve` starts a HAProxy anew
   * with an input, and rejects as a pass does. Rejects with what is no refusal (a full disk).
   */
  isolate(failing: Failing & {readonly serve: (input: TemplateInput) => Promise<void>}): Promise<Isolation>;
  /** Whom `isolate` would put into it within the bound, and the input without them; undefined where that is nobody. */
  rehearse(
    failing: Failing,
  ): Promise<{readonly input: TemplateInput; readonly without: readonly Quarantined[]} | undefined>;
  /** Tries those again whose time has come, in the input as it is without any quarantine. True when somebody is let out. */
  retryDue(load: () => Promise<TemplateInput>): Promise<boolean>;
  readonly members: readonly Quarantined[];
  /** How often somebody was put into it. */
  readonly count: number;
  /** This template works: forgets whoever was in it for another one. */
  keepOnly(template: string): void;
  /** Writes down who is in it, where that is not there already. Never rejects. */
  save(): Promise<void>;
  /** Those who were put into it, each time. */
  readonly found: Source<readonly Quarantined[]>;
  /** It is time to try somebody again; the cause of a pass. */
  readonly due: Source<string>;
  close(): void;
}

/** A check each: of many, some wait for the next time. */
const MAX_RETRIES = 5;

const WHY_NOBODY = {
  innocent: 'it fails without them as well',
  'too many': 'more of an app than KONTROL_QUARANTINE allows would be left out',
  'too long': 'the search took too many checks, or too long',
  'too much': 'all pods together are too much for a limit, and none is alone',
} as const;

interface State {
  readonly ports: QuarantinePorts;
  /** By address. */
  readonly entries: Map<string, Entry>;
  /** All of today. */
  pods: readonly Pod[];
  /** Let out to be tried by a pass: what HAProxy cannot be started with, no check tells. */
  readonly onTrial: Map<string, Entry>;
  readonly found: OpenSource<readonly Quarantined[]>;
  readonly due: OpenSource<string>;
  /** The digest of a template that fails by itself, whoever is in quarantine. */
  failsAnyway: string | undefined;
  /** Starts that fail whoever is there: looked for again after a while, since each search is some reloads. */
  inVain: {readonly what: string; readonly times: number; readonly untilMs: number} | undefined;
  cancelWake: () => void;
  count: number;
}

export function openQuarantine(ports: QuarantinePorts): Quarantine {
  const state: State = {
    ports,
    entries: new Map(),
    pods: [],
    onTrial: new Map(),
    found: createSource(),
    due: createSource(),
    failsAnyway: undefined,
    inVain: undefined,
    cancelWake: () => {},
    count: 0,
  };
  const {entries, found, due} = state;
  for (const kept of ports.file.kept) put(state, kept);
  schedule(state);
  return {
    apply(input) {
      see(state, input.variables.pods);
      return without(input, holding(state, input));
    },
    isolate: failing => isolate(state, failing),
    rehearse: failing => rehearse(state, failing),
    retryDue: load => retryDue(state, load),
    get members() {
      const all = [...entries.values()];
      const overBound = appsOverBound(state, all);
      return all.map(entry => shownOf(entry, overBound));
    },
    get count() {
      return state.count;
    },
    keepOnly: template => keepOnly(state, template),
    save: () => save(state),
    found,
    due,
    close: () => state.cancelWake(),
  };
}

async function isolate(
  state: State,
  {serve, ...failing}: Failing & {readonly serve: (input: TemplateInput) => Promise<void>},
): Promise<Isolation> {
  const {clock, log} = state.ports;
  const {input} = failing;
  if (state.ports.percent === 0 || !canBeOfPods(failing.fault)) return {is: 'unknown'};
  const startedMs = clock.nowMs();
  const isOfStart = isStartRefusal(failing.fault);
  if (isOfStart && isInVain(state, failing)) return {is: 'unknown'};
  const finding = isOfStart ? await findByStarts(failing, {clock, serve}) : await findByChecks(failing, state.ports);
  if (isOfStart) noteWhetherInVain(state, failing, finding.is !== 'found');
  const told = {checks: finding.checks, durationMs: Math.round(clock.nowMs() - startedMs)};
  const isTooMany = finding.is === 'found' && areTooMany(state, finding.pods);
  if (finding.is !== 'nobody' && (finding.is !== 'found' || isTooMany)) {
    const reason = WHY_NOBODY[finding.is === 'found' ? 'too many' : finding.is];
    log.info({...told, reason}, 'no member is put into quarantine');
  }
  switch (finding.is) {
    case 'innocent':
      return {is: 'innocent', fault: finding.fault, isKnown: noteThatItFailsAnyway(state, failing)};
    case 'nobody':
    case 'too long':
    case 'too much':
      return {is: 'unknown'};
    case 'found':
      if (isTooMany) return {is: 'too many', hold: () => accuse(state, input, finding.pods, told)};
      await accuse(state, input, finding.pods, told);
      return {is: 'isolated'};
  }
}

const whatFails = ({input, fault}: Failing): string => `${digestOf(input.template)} ${reasonOf(fault)}`;

const isInVain = ({inVain, ports: {clock}}: State, failing: Failing): boolean =>
  inVain !== undefined && inVain.what === whatFails(failing) && clock.nowMs() < inVain.untilMs;

function noteWhetherInVain(state: State, failing: Failing, isSo: boolean): void {
  const what = whatFails(failing);
  const times = state.inVain?.what === what ? state.inVain.times + 1 : 1;
  const untilMs = state.ports.clock.nowMs() + deriveBackoffMs(times, RETRY);
  state.inVain = isSo ? {what, times, untilMs} : undefined;
}

async function rehearse(state: State, failing: Failing): ReturnType<Quarantine['rehearse']> {
  const {fault} = failing;
  // Who keeps HAProxy from starting, only starts tell.
  if (state.ports.percent === 0 || !canBeOfPods(fault) || isStartRefusal(fault)) return undefined;
  const {input} = failing;
  const finding = await findByChecks(failing, state.ports);
  if (finding.is !== 'found' || areTooMany(state, finding.pods)) return undefined;
  return {
    input: without(input, finding.pods),
    without: finding.pods.map(pod => shownOf(entryOf(state, input, pod))),
  };
}

/** Whether all of its suspects are in quarantine: then it need not be tried with them again. */
function noteThatItFailsAnyway(state: State, {input, before}: Failing): boolean {
  if (!deriveSuspects(before, input).every(suspect => isKept(state, suspect))) return false;
  state.failsAnyway = digestOf(input.template);
  return true;
}

function isKept({entries}: State, {pod}: Suspect): boolean {
  const kept = entries.get(pod.ip)?.suspect.pod;
  return kept !== undefined && saysTheSame(kept, pod);
}

/** More of an app than the bound allows, and not just those whom the template that serves fails with as well. */
function areTooMany(state: State, found: readonly BadPod[]): boolean {
  const overBound = appsOverBound(state, [...state.entries.values(), ...found]);
  return found.some(({suspect}) => overBound.has(suspect.pod.app) && !isKept(state, suspect));
}

/** The apps of which these are more than may be in quarantine. */
function appsOverBound({pods, ports: {percent}}: State, out: readonly Pick<Entry, 'suspect'>[]): ReadonlySet<string> {
  const byApp = Map.groupBy(
    out.map(({suspect}) => suspect),
    ({pod}) => pod.app,
  );
  return new Set([...byApp].filter(([, own]) => isOverBound(own, pods, percent)).map(([app]) => app));
}

async function accuse(
  state: State,
  input: TemplateInput,
  pods: readonly BadPod[],
  told: {readonly checks: number; readonly durationMs: number},
): Promise<void> {
  const {log} = state.ports;
  const entries = (await asTheyWorkedElsewhere(state.ports, input, pods)).map(pod => entryOf(state, input, pod));
  for (const entry of entries) {
    put(state, entry, told.durationMs / Math.max(1, told.checks));
    const {app, ip, id} = entry.suspect.pod;
    log.warn({app, ip, member: id, reason: entry.reason, ...told}, 'member put into quarantine');
  }
  state.onTrial.clear();
  schedule(state);
  await save(state);
  const overBound = appsOverBound(state, [...state.entries.values()]);
  const found = entries.filter(({tries}) => tries === 1).map(entry => shownOf(entry, overBound));
  state.count += found.length;
  if (found.length > 0) state.found.tell(found);
}

function entryOf(
  {ports: {clock, hideSecrets}, onTrial}: State,
  input: TemplateInput,
  {suspect, fault}: BadPod,
): KeptEntry {
  const digest = digestOf(input.template);
  const tried = onTrial.get(suspect.pod.ip);
  const isAgain = tried?.digest === digest && saysTheSame(tried.suspect.pod, suspect.pod);
  return {
    suspect,
    digest,
    reason: hideSecrets(reasonOf(fault)),
    sinceAt: isAgain ? tried.sinceAt : clock.epochMs(),
    tries: isAgain ? tried.tries + 1 : 1,
    stopsStarts: isStartRefusal(fault),
  };
}

const shownOf = (
  {suspect: {pod, before}, reason, sinceAt}: KeptEntry,
  overBound: ReadonlySet<string> = new Set(),
): Quarantined => ({
  ip: pod.ip,
  app: pod.app,
  id: pod.id,
  reason,
  sinceAt,
  served: before === undefined ? 'not at all' : 'as before',
  overBound: overBound.has(pod.app),
});

const digestOf = (template: string): string => createHash('md5').update(template).digest('hex');

function keepOnly(state: State, template: string): void {
  const {entries, onTrial} = state;
  onTrial.clear();
  const digest = digestOf(template);
  for (const [ip, entry] of entries) {
    if (digest === state.failsAnyway) entries.set(ip, {...entry, digest});
    else if (entry.digest !== digest) entries.delete(ip);
  }
  state.failsAnyway = undefined;
}

async function save({entries, ports: {file, log, shared}}: State): Promise<void> {
  const kept = [...entries.values()].map(({retryAtMs: _, soonAtMs: __, ...entry}) => entry);
  if (shared !== undefined) offerEarlier(shared, kept);
  await file.put(kept).catch(err => {
    rethrowBug(err);
    log.warn({err}, 'cannot remember who is in quarantine');
  });
}

async function retryDue(state: State, load: () => Promise<TemplateInput>): Promise<boolean> {
  const {entries, ports} = state;
  const isDue = ({retryAtMs}: Entry) => retryAtMs <= ports.clock.nowMs();
  if (![...entries.values()].some(isDue)) return false;
  const input = await load();
  let released = false;
  for (const entry of holding(state, input).filter(isDue).slice(0, MAX_RETRIES)) {
    released = (await retry(state, input, entry)) || released;
  }
  for (const entry of [...entries.values()].filter(isDue)) put(state, entry);
  schedule(state);
  await save(state);
  return released;
}

async function retry(state: State, input: TemplateInput, entry: Entry): Promise<boolean> {
  const {log, hideSecrets, clock} = state.ports;
  const {app, ip, id} = entry.suspect.pod;
  const startedMs = clock.nowMs();
  const others = holding(state, input).filter(({suspect}) => suspect.pod.ip !== ip);
  const answer = await tryInput(state.ports, without(input, others));
  if (answer.is === 'fails') {
    const failed = {...entry, reason: hideSecrets(reasonOf(answer.fault)), tries: entry.tries + 1};
    put(state, failed, clock.nowMs() - startedMs);
    return false;
  }
  state.entries.delete(ip);
  if (entry.stopsStarts) state.onTrial.set(ip, entry);
  log.info({app, ip, member: id}, 'member let out of quarantine');
  return true;
}

function schedule(state: State): void {
  const {clock, ended} = state.ports;
  state.cancelWake();
  const atMs = Math.min(...[...state.entries.values()].map(({retryAtMs}) => retryAtMs));
  if (ended.aborted || !Number.isFinite(atMs)) return;
  const delayMs = Math.max(0, atMs - clock.nowMs());
  state.cancelWake = clock.after(delayMs, () => state.due.tell('pods in quarantine are tried again'));
}

/** `checkMs`: how long it takes to try it. */
function put({entries, ports: {clock}}: State, entry: KeptEntry, checkMs = 0): void {
  entries.set(entry.suspect.pod.ip, timed(entry, {nowMs: clock.nowMs(), checkMs}));
}

/** Takes note of all pods of today: some in quarantine may work, now that others are gone. */
function see(state: State, pods: readonly Pod[]): void {
  const {entries, ports} = state;
  const earlier = state.pods;
  state.pods = pods;
  if (entries.size === 0) return;
  const nowMs = ports.clock.nowMs();
  for (const entry of hasten([...entries.values()], {earlier, pods, nowMs})) entries.set(entry.suspect.pod.ip, entry);
  schedule(state);
}

/** Those that hold for an input; whoever left or says something else is forgotten. */
function holding({entries, failsAnyway}: State, {template, variables: {pods}}: TemplateInput): Entry[] {
  if (entries.size === 0) return [];
  const present = new Map(pods.map(pod => [pod.ip, pod]));
  for (const [ip, {suspect}] of entries) {
    const pod = present.get(ip);
    if (pod === undefined || !saysTheSame(pod, suspect.pod)) entries.delete(ip);
  }
  if (entries.size === 0) return [];
  const digest = digestOf(template);
  return [...entries.values()].filter(entry => entry.digest === digest || digest === failsAnyway);
}

const without = (input: TemplateInput, out: readonly Pick<Entry, 'suspect'>[]): TemplateInput =>
  withoutSuspects(
    input,
    out.map(({suspect}) => suspect),
  );
