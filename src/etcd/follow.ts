import {type Clock, pause} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {EtcdFault} from './fault.ts';
import type {Gateway} from './gateway.ts';
import {
  type EtcdEvent,
  type Header,
  type KeyValue,
  parseRangeAnswer,
  parseWatch,
  rangeRequest,
  watchRequest,
} from './wire.ts';

/** All keys under the prefix at one revision. `forgot`: this is not the etcd that we followed, or it lost its memory. */
export interface Loaded {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  readonly forgot: boolean;
}

/** What the listeners throw is fatal, but for an `EtcdFault` of `onReturn`, which may ask etcd itself. */
export interface FollowPorts {
  readonly gateway: Pick<Gateway, 'ask' | 'listen'>;
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
  /** At the start, and whenever events were missed (etcd compacts its history). */
  readonly onLoad: (loaded: Loaded) => void;
  /** All events of the revisions up to `revision`, each once, in order. */
  readonly onEvents: (events: readonly EtcdEvent[], revision: number) => void;
  /** The watch was cut and is about to be resumed: what happened up to `revision` is told next. */
  readonly onReturn?: (revision: number) => Promise<void>;
  /** The watch runs. */
  readonly onLinked: () => void;
}

/** What is known of a prefix, kept up to date until closed. */
export interface Follower {
  /** Whether a watch runs. */
  readonly linked: boolean;
  /** Starts the watch anew: something says that it missed an event. */
  relink(reason: string): void;
  close(): void;
}

const PAGE_KEYS = 1000;
const RETRY_MS = 200;

/** A watch that etcd has not confirmed within this time is tried elsewhere. */
const CREATE_TIMEOUT_MS = 2000;

interface State {
  readonly ports: FollowPorts;
  readonly closing: AbortController;
  cut: AbortController;
  /** What is known is of this revision. */
  at: Header | undefined;
  hasMissed: boolean;
  linked: boolean;
  failing: boolean;
}

/** Follows a prefix: loads it once, then resumes the watch where it was cut, and loads again only when it cannot. */
export function followPrefix(ports: FollowPorts): Follower {
  const state: State = {
    ports,
    closing: new AbortController(),
    cut: new AbortController(),
    at: undefined,
    hasMissed: true,
    linked: false,
    failing: false,
  };
  void run(state);
  return {
    get linked() {
      return state.linked;
    },
    relink: reason => state.cut.abort(new Error(reason)),
    close: () => state.closing.abort(new Error('closed')),
  };
}

async function run(state: State): Promise<void> {
  const {ports, closing} = state;
  while (!closing.signal.aborted) {
    state.cut = new AbortController();
    try {
      await synchronize(state);
      if (state.at !== undefined) await watch(state, state.at, AbortSignal.any([closing.signal, state.cut.signal]));
    } catch (error) {
      if (!(error instanceof EtcdFault)) throw error;
      if (closing.signal.aborted) return;
      if (!state.failing) ports.log.warn({reason: error.message}, 'etcd is away: the members stay as they are');
      state.failing = true;
    }
    await pause(ports.clock, RETRY_MS, closing.signal);
  }
}

/** A read that all of etcd agrees upon: it says whether what we know is still a part of what it knows. */
async function synchronize(state: State): Promise<void> {
  const {ports, at: known} = state;
  if (known === undefined) return load(state, false);
  const {header} = parseRangeAnswer(await ports.gateway.ask('/kv/range', rangeRequest(ports.prefix, {limit: 1})));
  const forgot = header.cluster !== known.cluster || header.revision < known.revision;
  if (forgot) ports.log.warn({from: known.revision, to: header.revision}, 'etcd is another one, or lost its memory');
  if (forgot || state.hasMissed) await load(state, forgot);
  else await ports.onReturn?.(header.revision);
}

async function load(state: State, forgot: boolean): Promise<void> {
  const {gateway, prefix, onReturn, onLoad} = state.ports;
  const kvs: KeyValue[] = [];
  let header: Header | undefined;
  for (let more = true; more; ) {
    const after = kvs.at(-1)?.key;
    const request = rangeRequest(prefix, {
      limit: PAGE_KEYS,
      ...(after !== undefined && {after}),
      ...(header !== undefined && {revision: header.revision}),
    });
    const page = parseRangeAnswer(await gateway.ask('/kv/range', request, 5000));
    header ??= page.header;
    kvs.push(...page.kvs);
    more = page.more && page.kvs.length > 0;
  }
  if (header === undefined) return;
  if (state.at !== undefined && !forgot) await onReturn?.(header.revision);
  state.at = header;
  state.hasMissed = false;
  onLoad({revision: header.revision, kvs, forgot});
}

async function watch(state: State, from: Header, signal: AbortSignal): Promise<void> {
  const {clock, gateway, log, prefix, onEvents, onLinked} = state.ports;
  const patience = new AbortController();
  const disarm = clock.after(CREATE_TIMEOUT_MS, () => patience.abort(new Error('no watch was created in time')));
  try {
    const request = watchRequest(prefix, from.revision + 1);
    for await (const value of gateway.listen('/watch', request, AbortSignal.any([signal, patience.signal]))) {
      const answer = parseWatch(value);
      if (answer.is === 'cancelled') {
        state.hasMissed ||= answer.compacted;
        throw new EtcdFault('unreachable', `etcd ended the watch: ${answer.reason || 'compacted'}`);
      }
      if (answer.is === 'created') {
        disarm();
        state.linked = true;
        if (state.failing) log.info('etcd answers again');
        state.failing = false;
        onLinked();
      } else {
        const revision = Math.max(from.revision, ...answer.events.map(revisionOf));
        state.at = {...from, revision: Math.max(state.at?.revision ?? 0, revision)};
        onEvents(answer.events, revision);
      }
    }
  } finally {
    disarm();
    state.linked = false;
  }
}

const revisionOf = (event: EtcdEvent): number => (event.is === 'put' ? event.kv.revision : event.revision);
