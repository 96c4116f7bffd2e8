import {CutShort, DaemonError, reasonOf} from '../errors.ts';
import type {Hosts} from '../members/member.ts';
import type {Clock} from '../ports/clock.ts';
import {yieldToLoop} from '../ports/event-loop.ts';
import type {Log} from '../ports/log.ts';
import {createSource, type OpenSource, type Source} from '../ports/source.ts';
import type {Applied, Candidate} from '../reload/candidate.ts';
import type {Generations} from '../reload/generations.ts';
import type {TemplateInput} from '../template/input.ts';
import type {Renderer} from '../template/renderer.ts';
import type {Action, Visit} from './lifecycle.ts';
import {CONFIGURE} from './manifest.ts';
import type {ActionName} from './spec.ts';

export type Verdict = 'ok' | 'unchanged' | 'failed';
type Phase = Extract<ActionName, 'render' | 'validate' | 'apply'>;

/** One trip through render, validate and apply, as `/status` shows it. Durations in ms; `startedAt` in epoch ms. */
export interface PassRecord {
  readonly pass: number;
  readonly generation: number;
  readonly way: string;
  readonly why: string;
  readonly cause: string;
  readonly startedAt: number;
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
  readonly verdict: Verdict;
  readonly error: string | null;
}

/** What a pass has for its input, read and digested once. */
export interface PassInput {
  readonly input: TemplateInput;
  readonly digest: string;
}

interface Pass {
  readonly number: number;
  readonly startedAt: number;
  readonly phasesMs: Partial<Record<Phase, number>>;
  read?: PassInput;
  text?: string;
  /** Why only a reload will do, though the text may be what serves: files that it names are not. */
  reloads?: string | undefined;
  candidate?: Candidate;
  applied?: Applied;
}

/** What a pass worked with, for the history; absent is what it did not come to. */
export interface PassMaterial {
  readonly input: TemplateInput | undefined;
  readonly text: string | undefined;
}

export interface PassEnd {
  readonly record: PassRecord;
  readonly material: PassMaterial;
  /** It rendered the last good template, since the newest is refused: that it went well mends nothing. */
  readonly isFallback: boolean;
}

export interface PassPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** What the template can see at this moment; the hosts are those that came with the request, if any did. */
  readonly loadInput: (visit?: Visit) => Promise<TemplateInput>;
  /** Changes when anything that a pass depends on does. */
  readonly digest: (input: TemplateInput) => string;
  readonly renderer: Pick<Renderer, 'render'>;
  /** Has HAProxy read a text with servers for pods to come. */
  readonly spare?: (input: TemplateInput, text: string, signal: AbortSignal) => Promise<void>;
  /** What is said of a pass, without the secrets of its texts. */
  readonly hideSecrets: (said: string) => string;
  readonly proxy: Pick<Generations, 'isServing' | 'mayTellFirst' | 'status' | 'stage' | 'discard'>;
  readonly apply: Generations['apply'];
  /** Whether the state of this tag applies what it validates with nothing in between. */
  readonly appliesAtOnce: (tag: string) => boolean;
  /** `haproxy -c`: the warnings of a valid candidate; rejects with VALIDATE. */
  readonly check: (candidate: Candidate, signal: AbortSignal) => Promise<readonly string[]>;
  /** A refusal in words that name the template's lines. */
  readonly explain: (fault: unknown, made: {readonly input: TemplateInput; readonly text: string}) => Promise<unknown>;
  /** Brings files that the text only names (certificates) up to date where they serve; true when it takes a reload. */
  readonly refresh?: (text: string) => Promise<boolean>;
  /** The number of the last pass of an earlier daemon: numbers go on. */
  readonly lastPass?: number;
}

export interface Passes {
  /** What the next pass would see; undefined when the last good one saw the same. Rejects as `render` would. */
  readChanged(): Promise<PassInput | undefined>;
  readonly actions: Readonly<Record<Phase, Action>>;
  /** Begins the pass of a visit to `configure`, whose input its blocks see too. */
  begin(visit: Visit): Promise<void>;
  /** The hosts that a visit is about; undefined when it is about none. */
  hostsOf(visit: Visit): Hosts | undefined;
  /** Closes the pass of a visit, if it made one: files away its record, unless a stop cut it short. */
  conclude(visit: Visit, fault: unknown): Promise<void>;
  /** Applies a text that was not rendered (the last good one on disk at a boot whose template fails). */
  applyText(text: string): Promise<void>;
  /** The last one on the newest template. */
  readonly last: PassRecord | undefined;
  /** Of the last pass that came as far as reading it. */
  readonly tried: PassInput | undefined;
  /** The text of `applied`, or before there is one, what `applyText` applied; undefined where a block wrote it. */
  readonly appliedText: string | undefined;
  /** Of the last pass that was applied, or came out equal: `GET /state` answers from it. */
  readonly applied: PassInput | undefined;
  /** Each pass, once it has ended. */
  readonly ended: Source<PassEnd>;
}

interface State {
  readonly ports: PassPorts;
  readonly passes: WeakMap<Visit, Pass>;
  readonly ended: OpenSource<PassEnd>;
  number: number;
  last: PassRecord | undefined;
  applied: PassInput | undefined;
  appliedText: string | undefined;
  tried: PassInput | undefined;
  /** Of this template a text was refused since one was applied last: the next one is checked before HAProxy is told of it. */
  doubted: {readonly template: string | undefined} | undefined;
}

/**
 * The built-in actions of a pass. A visit to `configure` is one, and so is any that renders; `validate` and `apply` go
 * on with what `render` made. A `configure` that does not render (a manifest of 2017) is a pass that its block makes.
 */
export function createPasses(ports: PassPorts): Passes {
  const {proxy} = ports;
  const state: State = {
    ports,
    passes: new WeakMap(),
    ended: createSource(),
    number: ports.lastPass ?? 0,
    last: undefined,
    applied: undefined,
    appliedText: undefined,
    tried: undefined,
    doubted: undefined,
  };
  return {
    async readChanged() {
      const next = await read(ports);
      return next.digest === state.applied?.digest ? undefined : next;
    },
    actions: {
      render: (visit, signal) => render(state, visit, signal),
      validate: (visit, signal) => validate(state, visit, signal),
      apply: (visit, signal) => apply(state, visit, signal),
    },
    async begin(visit) {
      if (visit.tag === CONFIGURE) await inputOf(state, begin(state, visit), visit);
    },
    hostsOf: visit => state.passes.get(visit)?.read?.input.variables.hosts,
    conclude: (visit, fault) => conclude(state, visit, fault),
    async applyText(text) {
      if (!proxy.isServing(text)) await ports.apply(await stageValid(ports, text, AbortSignal.any([])));
      if (state.applied === undefined) state.appliedText ??= text;
    },
    get last() {
      return state.last;
    },
    get applied() {
      return state.applied;
    },
    get appliedText() {
      return state.appliedText;
    },
    get tried() {
      return state.tried;
    },
    ended: state.ended,
  };
}

function begin(state: State, visit: Visit): Pass {
  const pass: Pass = {number: ++state.number, startedAt: state.ports.clock.epochMs(), phasesMs: {}};
  state.passes.set(visit, pass);
  return pass;
}

async function read({loadInput, digest}: PassPorts, visit?: Visit): Promise<PassInput> {
  const input = await loadInput(visit);
  // With thousands of members, reading and digesting them take milliseconds each: pings first.
  await yieldToLoop();
  return {input, digest: digest(input)};
}

async function inputOf(state: State, pass: Pass, visit: Visit): Promise<TemplateInput> {
  state.tried = undefined;
  pass.read ??= visit.read ?? (await read(state.ports, visit));
  state.tried = pass.read;
  return pass.read.input;
}

async function render(state: State, visit: Visit, signal: AbortSignal): Promise<void> {
  const {clock, renderer, spare} = state.ports;
  const pass = state.passes.get(visit) ?? begin(state, visit);
  await timed(clock, pass, 'render', async () => {
    const input = await inputOf(state, pass, visit);
    pass.text = `${(await renderer.render(input, signal)).replace(/\n+$/, '')}\n`;
    await spare?.(input, pass.text, signal);
  });
}

async function validate(state: State, visit: Visit, signal: AbortSignal): Promise<void> {
  const {ports} = state;
  const {clock, proxy} = ports;
  const pass = renderedOf(state.passes, visit, 'validate');
  if (await ports.refresh?.(pass.text)) pass.reloads = 'certificates changed';
  else if (visit.startsAnew) pass.reloads = 'to see whether HAProxy can be started with these pods';
  else if (proxy.isServing(pass.text)) return;
  else if (ports.appliesAtOnce(visit.tag) && !isDoubted(state, pass) && (await proxy.mayTellFirst(pass.text))) return;
  pass.candidate = await timed(clock, pass, 'validate', () =>
    explained(state, pass, () => stageValid(ports, pass.text, signal)),
  );
}

async function apply(state: State, visit: Visit, signal: AbortSignal): Promise<void> {
  const {ports} = state;
  const pass = renderedOf(state.passes, visit, 'apply');
  if (!ports.proxy.isServing(pass.text) || pass.reloads !== undefined) {
    const {candidate} = pass;
    // From here on its files are the proxy's: it may serve even when this fails.
    delete pass.candidate;
    const options = {signal, ...(pass.reloads !== undefined && {because: pass.reloads})};
    pass.applied = await explained(state, pass, () =>
      candidate === undefined
        ? applyUnchecked(ports, pass, options)
        : timed(ports.clock, pass, 'apply', () => ports.apply(candidate, options)),
    );
  }
  if (isDoubted(state, pass)) state.doubted = undefined;
  state.applied = pass.read ?? state.applied;
  state.appliedText = pass.text;
}

const isDoubted = ({doubted}: State, {read}: Pass): boolean =>
  doubted !== undefined && doubted.template === read?.input.template;

/** Has it checked where and when that is needed, which is a phase of its own: what is refused was not applied. */
async function applyUnchecked(
  ports: PassPorts,
  pass: Pass & {text: string},
  options: {readonly signal: AbortSignal; readonly because?: string},
): Promise<Applied> {
  const {apply, clock} = ports;
  const {phasesMs, text} = pass;
  let isRefused = false;
  const check = async (candidate: Candidate) => {
    isRefused = true;
    await timed(clock, pass, 'validate', () => checkAndWarn(ports, candidate, options.signal));
    isRefused = false;
  };
  try {
    return await timed(clock, pass, 'apply', () => apply({text}, {...options, check}));
  } finally {
    const {validate = 0, apply: both = 0} = phasesMs;
    phasesMs.apply = Math.round(10 * Math.max(0, both - validate)) / 10;
    if (isRefused) delete phasesMs.apply;
  }
}

async function explained<T>(
  state: State,
  {read: seen, text}: Pass & {text: string},
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (fault) {
    if (fault instanceof CutShort) throw fault;
    state.doubted = {template: seen?.input.template};
    throw seen === undefined ? fault : await state.ports.explain(fault, {input: seen.input, text});
  }
}

async function timed<T>(clock: Clock, pass: Pass, phase: Phase, work: () => Promise<T>): Promise<T> {
  const startedMs = clock.nowMs();
  try {
    return await work();
  } finally {
    pass.phasesMs[phase] = Math.round(10 * (clock.nowMs() - startedMs)) / 10;
  }
}

function renderedOf(passes: State['passes'], visit: Visit, action: Phase): Pass & {text: string} {
  const pass = passes.get(visit);
  if (pass?.text !== undefined) return pass as Pass & {text: string};
  throw new DaemonError(
    'LIFECYCLE',
    `cannot ${action} in state ${visit.tag}: name "render" before it in lifecycle.yml`,
  );
}

async function stageValid(ports: PassPorts, text: string, signal: AbortSignal): Promise<Candidate> {
  const {proxy} = ports;
  const candidate = await proxy.stage(text);
  try {
    await checkAndWarn(ports, candidate, signal);
    return candidate;
  } catch (error) {
    await proxy.discard(candidate);
    throw error;
  }
}

async function checkAndWarn({check, log}: PassPorts, candidate: Candidate, signal: AbortSignal): Promise<void> {
  for (const warning of await check(candidate, signal)) {
    log.warn({generation: candidate.generation, reason: warning}, 'haproxy warns about the configuration');
  }
}

async function conclude(state: State, visit: Visit, fault: unknown): Promise<void> {
  const {log, proxy, hideSecrets} = state.ports;
  const pass = state.passes.get(visit);
  if (pass === undefined) return;
  const byBlock = pass.text === undefined && fault === undefined;
  if (byBlock) state.applied = pass.read ?? state.applied;
  if (pass.candidate !== undefined) await proxy.discard(pass.candidate);
  if (fault instanceof CutShort) {
    log.info({pass: pass.number, cause: visit.cause}, 'pass given up: the daemon stops');
    return;
  }
  const detail = fault instanceof DaemonError ? fault.detail : undefined;
  const record: PassRecord = {
    pass: pass.number,
    generation: pass.applied?.generation ?? proxy.status.generation,
    way: pass.applied?.way ?? (byBlock ? 'script' : 'none'),
    why: pass.applied?.why ?? whyNot(fault, byBlock),
    cause: visit.cause,
    startedAt: pass.startedAt,
    phasesMs: pass.phasesMs,
    verdict: fault !== undefined ? 'failed' : pass.applied === undefined && !byBlock ? 'unchanged' : 'ok',
    error: fault === undefined ? null : hideSecrets(reasonOf(fault)),
  };
  if (fault === undefined) log.info({...record}, 'pass ended');
  else if (record.generation === 0) log.error({...record, detail}, 'pass failed: nothing has served yet');
  else log.error({...record, detail}, 'pass failed: the last good configuration stays');
  const isFallback = visit.template !== undefined;
  if (!isFallback) state.last = record;
  state.ended.tell({record, material: {input: pass.read?.input, text: pass.text}, isFallback});
}

const whyNot = (fault: unknown, byBlock: boolean): string => {
  if (fault !== undefined) return 'the pass failed';
  return byBlock ? `the shell block of "${CONFIGURE}" does it` : 'the text came out equal';
};
