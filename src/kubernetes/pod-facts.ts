import {isDeepStrictEqual} from 'node:util';
import {DaemonError} from '../errors.ts';
import {type Clock, pause, within} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import type {Api} from './api.ts';
import {openDownwardVolume} from './downward-volume.ts';
import {
  deriveFacts,
  FACT_NAMES,
  type FactSource,
  type PodFacts,
  parseVariables,
  type Told,
  type ToldFacts,
} from './facts.ts';
import {type OwnPod, openOwnPod} from './own-pod.ts';
import type {ReflectionStatus} from './reflector.ts';
import {openRememberedFacts, type RememberedFacts} from './remembered.ts';

/** A start without an answer takes what is remembered after this, and waits no longer for what it can do without. */
const PATIENCE_MS = 5000;

export interface LivePodOptions {
  readonly namespace: string;
  readonly id: string;
  readonly downward: string | undefined;
  readonly waitMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dataFolder: string;
  /** Names the facts that a start cannot do without and that are lacking. */
  readonly lacking: (facts: PodFacts) => readonly string[];
}

export interface LivePodPorts {
  /** Undefined where the API is not to be used. */
  readonly api: Api | undefined;
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
}

/** What is known of the own pod, from whichever source knows it first, kept up to date. */
export interface LivePod extends Disposable {
  readonly facts: PodFacts;
  readonly sources: Readonly<Partial<Record<keyof PodFacts, FactSource>>>;
  readonly watch: ReflectionStatus | undefined;
  readonly node: OwnPod['node'] | undefined;
  /** Calls back with the names of the facts that changed since this was opened, and from then on. One follower. */
  follow(onChange: (changed: readonly (keyof PodFacts)[]) => void): void;
  close(): void;
}

interface State {
  readonly options: LivePodOptions;
  readonly ports: LivePodPorts;
  readonly remembered: RememberedFacts;
  told: Told;
  known: ReturnType<typeof deriveFacts>;
  /** Changed since this was opened, and nobody was told. */
  readonly unseen: Set<keyof PodFacts>;
  onChange: (changed: readonly (keyof PodFacts)[]) => void;
  /** What the API tells is remembered once somebody follows. */
  follows: boolean;
}

/**
 * Learns what a start needs to know: from variables, the downward-API volume, the API. What is lacking is waited for
 * where somebody may still tell it: an absent or incomplete Pod (no IP yet) by a watch that is retried with back-off, a
 * volume by looking again. Rejects with KUBERNETES after `waitMs` without the facts that are needed, and with the reason
 * of `signal` when it aborts.
 */
export async function openLivePod(options: LivePodOptions, ports: LivePodPorts, signal: AbortSignal): Promise<LivePod> {
  const {namespace, id, downward} = options;
  const {api, clock, files, log} = ports;
  const state = createState(options, ports);
  const volume = downward === undefined ? undefined : openDownwardVolume(downward, {files, clock, log});
  if (volume !== undefined) learn(state, 'downward', await volume.load());
  const stopVolume = volume?.follow(facts => learn(state, 'downward', facts));
  const pod = api && openOwnPod({namespace, id}, {api, clock, log, onTold: facts => learn(state, 'api', facts)});
  const close = () => {
    pod?.close();
    stopVolume?.();
  };

  try {
    if (pod !== undefined || volume !== undefined) await waitUntilKnown(state, pod, signal);
  } catch (error) {
    close();
    throw error;
  }
  state.unseen.clear();
  state.onChange = changed => collect(state, changed);

  return {
    get facts() {
      return state.known.facts;
    },
    get sources() {
      return state.known.sources;
    },
    get watch() {
      return pod?.status;
    },
    get node() {
      return pod?.node;
    },
    follow(onChange) {
      state.onChange = onChange;
      state.follows = true;
      if (state.told.api !== undefined) void state.remembered.keep(state.told.api);
      if (state.unseen.size > 0) onChange([...state.unseen]);
    },
    close,
    [Symbol.dispose]: close,
  };
}

function createState(options: LivePodOptions, ports: LivePodPorts): State {
  const {namespace, id, dataFolder, env} = options;
  const told: Told = {variable: parseVariables(env)};
  const state: State = {
    options,
    ports,
    remembered: openRememberedFacts(`${dataFolder}/pod.json`, {namespace, id}, ports),
    told,
    known: deriveFacts(told),
    unseen: new Set(),
    onChange: changed => collect(state, changed),
    follows: false,
  };
  return state;
}

function collect({unseen}: State, changed: readonly (keyof PodFacts)[]): void {
  for (const name of changed) unseen.add(name);
}

function learn(state: State, source: FactSource, facts: ToldFacts | undefined): void {
  const before = state.known.facts;
  state.told = {...state.told, [source]: facts};
  state.known = deriveFacts(state.told);
  const changed = FACT_NAMES.filter(name => !isDeepStrictEqual(before[name], state.known.facts[name]));
  if (source === 'api' && state.follows && facts !== undefined) void state.remembered.keep(facts);
  if (changed.length > 0) state.onChange(changed);
}

/** A Pod that is there without its address is one whose containers are being started. */
const missing = ({options, told, known: {facts}}: State): string[] => [
  ...options.lacking(facts),
  ...(told.api !== undefined && facts.ip === undefined ? ['its IP (status.podIP)'] : []),
];

async function recall(state: State, reason: string | null): Promise<void> {
  const facts = await state.remembered.load();
  learn(state, 'remembered', facts ?? {});
  if (facts !== undefined) state.ports.log.warn({reason}, 'kubernetes api fails: starting with remembered facts');
}

async function waitUntilKnown(state: State, pod: OwnPod | undefined, signal: AbortSignal): Promise<void> {
  const {options, ports} = state;
  const {clock, log} = ports;
  const patience = clock.nowMs() + PATIENCE_MS;
  if (pod !== undefined) await within(clock, PATIENCE_MS, pod.tried, signal);
  signal.throwIfAborted();
  const deadline = clock.nowMs() + options.waitMs;
  const lacking = missing(state);
  if (lacking.length > 0) log.info({reason: `it lacks ${lacking.join(' and ')}`}, 'waiting for facts of the pod');
  while (missing(state).length > 0) {
    signal.throwIfAborted();
    const mayRecall = pod !== undefined && state.told.api === undefined && state.told.remembered === undefined;
    if (mayRecall && clock.nowMs() >= patience) {
      await recall(state, pod.status.reason);
      continue;
    }
    if (clock.nowMs() >= deadline) throw tooLate(missing(state), options, pod?.status);
    await new Promise<void>(resolve => {
      state.onChange = () => resolve();
      const wakeMs = Math.min(deadline, mayRecall ? patience : deadline) - clock.nowMs();
      void pause(clock, wakeMs, signal).then(resolve);
    });
  }
}

const tooLate = (
  missing: readonly string[],
  options: LivePodOptions,
  watch: ReflectionStatus | undefined,
): DaemonError =>
  new DaemonError(
    'KUBERNETES',
    `cannot learn ${missing.join(' and ')} of pod ${options.namespace}/${options.id} within ${options.waitMs / 1000} s: ` +
      `${watch === undefined ? `the volume ${options.downward} does not say` : (watch.reason ?? 'its Pod object does not say')}; ` +
      'set the KONTROL_* variable, mount a downward-API volume, or let its ServiceAccount get and watch pods',
  );
