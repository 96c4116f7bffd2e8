import {createHash} from 'node:crypto';
import {DaemonError, reasonOf} from '../errors.ts';
import {type Backoff, deriveBackoffMs} from '../ports/backoff.ts';
import type {Clock} from '../ports/clock.ts';
import {yieldToLoop} from '../ports/event-loop.ts';
import type {Log} from '../ports/log.ts';
import {createSource, type OpenSource, type Source} from '../ports/source.ts';
import type {TemplateInput} from '../template/input.ts';
import type {Answer} from './culprits.ts';
import {findCulprits} from './find-culprits.ts';
import type {QuarantineFile} from './quarantine-file.ts';
import {deriveSuspects, isOverBound, type Suspect, saysTheSame, withoutSuspects} from './suspects.ts';

/*
 * INVARIANTS
 * - A member is in quarantine for one template and for what it says of itself: it is tried again with another template,
 *   when it says something else, and now and then.
 * - One that worked before is served as it was then; only one that never did is left out.
 * - A restart changes nothing of it.
 * - Never more of an app than the bound: beyond that the template is to blame.
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
  /** Nothing is tried any more once it aborts. */
  readonly ended: AbortSignal;
}

/** Members that are kept out of the template's sight since it fails with them. */
export interface Quarantine {
  /** What a template sees: those in quarantine as they were, or not at all. */
  apply(input: TemplateInput): TemplateInput;
  /**
   * Finds who makes an input fail, among those who came or changed since `before` worked. True when it works without
   * them from now on. Rejects with what is no refusal (a full disk).
   */
  isolate(input: TemplateInput, before: TemplateInput | undefined, fault: unknown): Promise<boolean>;
  /** Tries those again whose time has come, in the input as it is without any quarantine. True when somebody is let out. */
  retryDue(load: () => Promise<TemplateInput>): Promise<boolean>;
  readonly members: readonly Quarantined[];
  /** How often somebody was put into it. */
  readonly count: number;
  /** Forgets whoever was in it for another template than the one that works now. */
  keepOnly(template: string): Promise<void>;
  /** Those who were put into it, each time. */
  readonly found: Source<readonly Quarantined[]>;
  /** It is time to try somebody again; the cause of a pass. */
  readonly due: Source<string>;
  close(): void;
}

/** One culprit among 20,000 takes 17, and HAProxy a second for a text of that size. */
const MAX_CHECKS = 100;
const MAX_SEARCH_MS = 20_000;
const RETRY: Backoff = {firstMs: 60_000, maxMs: 3_600_000};
/** A check each: of many, some wait for the next time. */
const MAX_RETRIES = 5;

interface Entry extends Quarantined {
  readonly suspect: Suspect;
  /** Of the template. */
  readonly digest: string;
  readonly tries: number;
  /** Monotonic. */
  readonly retryAtMs: number;
}

/** What a member can be the cause of. */
const isRefusal = (fault: unknown): boolean =>
  fault instanceof DaemonError && (fault.code === 'RENDER' || fault.code === 'VALIDATE');

const WHY_INNOCENT = {
  innocent: 'it fails without them as well',
  'too many': 'more of an app than KONTROL_QUARANTINE allows would be left out',
  'too long': 'the search took too many checks, or too long',
} as const;

interface State {
  readonly ports: QuarantinePorts;
  /** By address. */
  readonly entries: Map<string, Entry>;
  readonly found: OpenSource<readonly Quarantined[]>;
  readonly due: OpenSource<string>;
  cancelWake: () => void;
  count: number;
}

export function openQuarantine(ports: QuarantinePorts): Quarantine {
  const state: State = {
    ports,
    entries: new Map(),
    found: createSource(),
    due: createSource(),
    cancelWake: () => {},
    count: 0,
  };
  const {entries, found, due} = state;
  for (const {suspect, ...kept} of ports.file.kept) put(state, {...describe(suspect), ...kept, suspect});
  schedule(state);
  return {
    apply: input => without(input, holding(state, input)),
    isolate: (input, before, fault) => isolate(state, input, before, fault),
    retryDue: load => retryDue(state, load),
    get members() {
      return [...entries.values()].map(({ip, app, id, reason, sinceAt, served}) => ({
        ip,
        app,
        id,
        reason,
        sinceAt,
        served,
      }));
    },
    get count() {
      return state.count;
    },
    async keepOnly(template) {
      const digest = entries.size === 0 ? '' : digestOf(template);
      for (const [ip, entry] of entries) if (entry.digest !== digest) entries.delete(ip);
      await save(state);
    },
    found,
    due,
    close: () => state.cancelWake(),
  };
}

async function isolate(
  state: State,
  input: TemplateInput,
  before: TemplateInput | undefined,
  fault: unknown,
): Promise<boolean> {
  const {clock, log, percent} = state.ports;
  if (percent === 0 || !isRefusal(fault)) return false;
  const startedMs = clock.nowMs();
  const suspects = deriveSuspects(before, input);
  if (suspects.length === 0) return false;
  const already = [...state.entries.values()].map(({suspect}) => suspect);
  const butFor = (asked: ReadonlySet<Suspect>) => suspects.filter(suspect => !asked.has(suspect));
  const finding = await findCulprits<Suspect, unknown>(suspects, fault, {
    check: asked => ask(state.ports, withoutSuspects(input, butFor(asked))),
    isTooMany: culprits => isOverBound([...already, ...culprits], input.variables.pods, percent),
    maxChecks: MAX_CHECKS,
    hasTime: () => clock.nowMs() - startedMs < MAX_SEARCH_MS,
  });
  const {checks} = finding;
  const durationMs = Math.round(clock.nowMs() - startedMs);
  if (finding.is !== 'found') {
    const reason = WHY_INNOCENT[finding.is];
    log.info({members: suspects.length, checks, durationMs, reason}, 'no member is put into quarantine');
    return false;
  }
  const culprits = finding.culprits.map(culprit => {
    const entry = accuse(state, input.template, culprit);
    const {app, ip, id, reason} = entry;
    log.warn({app, ip, member: id, reason, checks, durationMs}, 'member put into quarantine');
    return entry;
  });
  schedule(state);
  await save(state);
  state.count += culprits.length;
  state.found.tell(culprits);
  return true;
}

function accuse(
  state: State,
  template: string,
  {suspect, fault}: {readonly suspect: Suspect; readonly fault: unknown},
): Quarantined {
  const {clock, hideSecrets} = state.ports;
  const culprit = {...describe(suspect), reason: hideSecrets(reasonOf(fault)), sinceAt: clock.epochMs()};
  put(state, {...culprit, suspect, digest: digestOf(template), tries: 1});
  return culprit;
}

const describe = ({pod: {ip, app, id}, before}: Suspect): Pick<Entry, 'ip' | 'app' | 'id' | 'served'> => ({
  ip,
  app,
  id,
  served: before === undefined ? 'not at all' : 'as before',
});

const digestOf = (template: string): string => createHash('md5').update(template).digest('hex');

async function save({entries, ports: {file, log}}: State): Promise<void> {
  const kept = [...entries.values()].map(({suspect, digest, reason, sinceAt, tries}) => ({
    suspect,
    digest,
    reason,
    sinceAt,
    tries,
  }));
  await file.put(kept).catch(err => log.warn({err}, 'cannot remember who is in quarantine'));
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
  const {log, hideSecrets} = state.ports;
  const others = holding(state, input).filter(({ip}) => ip !== entry.ip);
  const answer = await ask(state.ports, without(input, others));
  const {app, ip, id} = entry;
  if (answer.is === 'fails') {
    put(state, {...entry, reason: hideSecrets(reasonOf(answer.fault)), tries: entry.tries + 1});
    return false;
  }
  state.entries.delete(ip);
  log.info({app, ip, member: id}, 'member let out of quarantine');
  return true;
}

async function ask({tryOut, ended}: QuarantinePorts, input: TemplateInput): Promise<Answer<unknown>> {
  // Between two inputs of thousands of pods: pings first.
  await yieldToLoop();
  try {
    await tryOut(input, ended);
    return {is: 'works'};
  } catch (fault) {
    if (!isRefusal(fault)) throw fault;
    return {is: 'fails', fault};
  }
}

function schedule(state: State): void {
  const {clock, ended} = state.ports;
  state.cancelWake();
  const atMs = Math.min(...[...state.entries.values()].map(({retryAtMs}) => retryAtMs));
  if (ended.aborted || !Number.isFinite(atMs)) return;
  const delayMs = Math.max(0, atMs - clock.nowMs());
  state.cancelWake = clock.after(delayMs, () => state.due.tell('pods in quarantine are tried again'));
}

function put({entries, ports: {clock}}: State, entry: Omit<Entry, 'retryAtMs'>): void {
  entries.set(entry.ip, {...entry, retryAtMs: clock.nowMs() + deriveBackoffMs(entry.tries, RETRY)});
}

/** Those that hold for an input; whoever left or says something else is forgotten. */
function holding({entries}: State, {template, variables: {pods}}: TemplateInput): Entry[] {
  if (entries.size === 0) return [];
  const present = new Map(pods.map(pod => [pod.ip, pod]));
  for (const [ip, {suspect}] of entries) {
    const pod = present.get(ip);
    if (pod === undefined || !saysTheSame(pod, suspect.pod)) entries.delete(ip);
  }
  if (entries.size === 0) return [];
  const digest = digestOf(template);
  return [...entries.values()].filter(entry => entry.digest === digest);
}

const without = (input: TemplateInput, out: readonly Entry[]): TemplateInput =>
  withoutSuspects(
    input,
    out.map(({suspect}) => suspect),
  );
