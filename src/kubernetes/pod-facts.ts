import {isDeepStrictEqual} from 'node:util';
import {DaemonError} from '../errors.ts';
import {type Clock, pause, sleep} from '../ports/clock.ts';
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
import {openRememberedFacts} from './remembered.ts';

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

/**
 * Learns what a start needs to know: from variables, the downward-API volume, the API. What is lacking is waited for
 * where somebody may still tell it: an absent or incomplete Pod (no IP yet) by a watch that is retried with back-off, a
 * volume by looking again. Rejects with KUBERNETES after `waitMs` without the facts that are needed, and with the reason
 * of `signal` when it aborts.
 */
export async function openLivePod(options: LivePodOptions, ports: LivePodPorts, signal: AbortSignal): Promise<LivePod> {
  const {namespace, id, downward, env, lacking} = options;
  const {api, clock, files, log} = ports;
  const remembered = openRememberedFacts(`${options.dataFolder}/pod.json`, {namespace, id}, {files, log});
  let told: Told = {variable: parseVariables(env)};
  let known = deriveFacts(told);
  const unseen = new Set<keyof PodFacts>();
  const collect = (changed: readonly (keyof PodFacts)[]) => {
    for (const name of changed) unseen.add(name);
  };
  let onChange: (changed: readonly (keyof PodFacts)[]) => void = collect;
  let follows = false;

  const learn = (source: FactSource, facts: ToldFacts | undefined) => {
    const before = known.facts;
    told = {...told, [source]: facts};
    known = deriveFacts(told);
    const changed = FACT_NAMES.filter(name => !isDeepStrictEqual(before[name], known.facts[name]));
    if (source === 'api' && follows && facts !== undefined) void remembered.keep(facts);
    if (changed.length > 0) onChange(changed);
  };

  const volume = downward === undefined ? undefined : openDownwardVolume(downward, {files, clock, log});
  if (volume !== undefined) learn('downward', await volume.load());
  const stopVolume = volume?.follow(facts => learn('downward', facts)) ?? (() => {});
  const pod = api && openOwnPod({namespace, id}, {api, clock, log, onTold: facts => learn('api', facts)});
  const close = () => {
    pod?.close();
    stopVolume();
  };

  /** A Pod that is there without its address is one whose containers are being started. */
  const missing = () => [
    ...lacking(known.facts),
    ...(told.api !== undefined && known.facts.ip === undefined ? ['its IP (status.podIP)'] : []),
  ];

  const recall = async (reason: string | null): Promise<void> => {
    const facts = await remembered.load();
    learn('remembered', facts ?? {});
    if (facts !== undefined) log.warn({reason}, 'kubernetes api fails: starting with remembered facts');
  };

  const untilKnown = async (): Promise<void> => {
    const patience = clock.nowMs() + PATIENCE_MS;
    if (pod !== undefined) await Promise.race([pod.tried, sleep(clock, PATIENCE_MS, signal)]);
    const deadline = clock.nowMs() + options.waitMs;
    if (missing().length > 0) log.info({reason: `it lacks ${missing().join(' and ')}`}, 'waiting for facts of the pod');
    while (missing().length > 0) {
      signal.throwIfAborted();
      const mayRecall = pod !== undefined && told.api === undefined && told.remembered === undefined;
      if (mayRecall && clock.nowMs() >= patience) {
        await recall(pod.status.reason);
        continue;
      }
      if (clock.nowMs() >= deadline) throw tooLate(missing(), options, pod?.status);
      await new Promise<void>(resolve => {
        onChange = () => resolve();
        const wakeMs = Math.min(deadline, mayRecall ? patience : deadline) - clock.nowMs();
        void pause(clock, wakeMs, signal).then(resolve);
      });
    }
  };

  try {
    if (pod !== undefined || volume !== undefined) await untilKnown();
  } catch (error) {
    close();
    throw error;
  }
  unseen.clear();
  onChange = collect;

  return {
    get facts() {
      return known.facts;
    },
    get sources() {
      return known.sources;
    },
    get watch() {
      return pod?.status;
    },
    get node() {
      return pod?.node;
    },
    follow(callback) {
      onChange = callback;
      follows = true;
      if (told.api !== undefined) void remembered.keep(told.api);
      if (unseen.size > 0) callback([...unseen]);
    },
    close,
    [Symbol.dispose]: close,
  };
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
