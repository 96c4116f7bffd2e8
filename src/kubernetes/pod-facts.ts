import {isDeepStrictEqual} from 'node:util';
import {DaemonError} from '../errors.ts';
import {type Clock, sleep} from '../ports/clock.ts';
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
export interface LivePod {
  readonly facts: PodFacts;
  readonly sources: Readonly<Partial<Record<keyof PodFacts, FactSource>>>;
  readonly watch: ReflectionStatus | undefined;
  readonly node: OwnPod['node'] | undefined;
  /** Calls back with the names of the facts that changed, from now on. One follower. */
  follow(onChange: (changed: readonly (keyof PodFacts)[]) => void): void;
  close(): void;
}

/**
 * Learns what a start needs to know: from variables, the downward-API volume, the API. Where the API must be asked, an
 * absent or incomplete Pod (no IP yet) is waited for, by a watch that is retried with back-off. Rejects with KUBERNETES
 * after `waitMs` without the facts that are needed, and with the reason of `signal` when it aborts.
 */
export async function openLivePod(options: LivePodOptions, ports: LivePodPorts, signal: AbortSignal): Promise<LivePod> {
  const {namespace, id, downward, env, lacking} = options;
  const {api, clock, files, log} = ports;
  const remembered = openRememberedFacts(`${options.dataFolder}/pod.json`, {namespace, id}, {files, log});
  let told: Told = {variable: parseVariables(env)};
  let known = deriveFacts(told);
  let onChange: (changed: readonly (keyof PodFacts)[]) => void = () => {};
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
  const pod = api && openOwnPod({namespace, id}, {api, clock, log, onTold: facts => learn('api', facts)});

  /** A Pod that is there without its address is one whose containers are being started. */
  const missing = () => [
    ...lacking(known.facts),
    ...(told.api !== undefined && known.facts.ip === undefined ? ['its IP (status.podIP)'] : []),
  ];

  const untilKnown = async (pod: OwnPod): Promise<void> => {
    const patience = clock.nowMs() + PATIENCE_MS;
    await Promise.race([pod.tried, sleep(clock, PATIENCE_MS, signal)]);
    const deadline = clock.nowMs() + options.waitMs;
    while (missing().length > 0) {
      signal.throwIfAborted();
      if (told.api === undefined && told.remembered === undefined && clock.nowMs() >= patience) {
        const facts = await remembered.load();
        learn('remembered', facts ?? {});
        if (facts !== undefined)
          log.warn({reason: pod.status.reason}, 'kubernetes api fails: starting with remembered facts');
        continue;
      }
      if (clock.nowMs() >= deadline) throw tooLate(missing(), options, pod.status);
      await new Promise<void>(resolve => {
        onChange = () => resolve();
        const wakeMs = Math.min(deadline, clock.nowMs() < patience ? patience : deadline) - clock.nowMs();
        sleep(clock, wakeMs, signal).then(resolve, () => resolve());
      });
    }
    onChange = () => {};
  };

  try {
    if (pod !== undefined) await untilKnown(pod);
  } catch (error) {
    pod?.close();
    throw error;
  }

  let stopVolume = () => {};
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
      stopVolume = volume?.follow(facts => learn('downward', facts)) ?? stopVolume;
    },
    close() {
      pod?.close();
      stopVolume();
    },
  };
}

const tooLate = (missing: readonly string[], options: LivePodOptions, {reason}: ReflectionStatus): DaemonError =>
  new DaemonError(
    'KUBERNETES',
    `cannot learn ${missing.join(' and ')} of pod ${options.namespace}/${options.id} within ${options.waitMs / 1000} s` +
      `: ${reason ?? 'its Pod object does not say'}; set the KONTROL_* variable, mount a downward-API volume, ` +
      'or let its ServiceAccount get and watch pods',
  );
