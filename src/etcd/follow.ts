import {type Clock, pause} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {EtcdFault} from './fault.ts';
import type {Gateway} from './gateway.ts';
import {
  type EtcdEvent,
  type Header,
  type KeyValue,
  parseRange,
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

/** Follows a prefix: loads it once, then resumes the watch where it was cut, and loads again only when it cannot. */
export function followPrefix(ports: FollowPorts): Follower {
  const {gateway, prefix, clock, log} = ports;
  const closing = new AbortController();
  let cut = new AbortController();
  let at: Header | undefined;
  let hasMissed = true;
  let linked = false;
  let failing = false;

  const load = async (forgot: boolean): Promise<void> => {
    const kvs: KeyValue[] = [];
    let header: Header | undefined;
    for (let more = true; more; ) {
      const after = kvs.at(-1)?.key;
      const request = rangeRequest(prefix, {
        limit: PAGE_KEYS,
        ...(after !== undefined && {after}),
        ...(header !== undefined && {revision: header.revision}),
      });
      const page = parseRange(await gateway.ask('/kv/range', request, 5000));
      header ??= page.header;
      kvs.push(...page.kvs);
      more = page.more && page.kvs.length > 0;
    }
    if (header === undefined) return;
    if (at !== undefined && !forgot) await ports.onReturn?.(header.revision);
    at = header;
    hasMissed = false;
    ports.onLoad({revision: header.revision, kvs, forgot});
  };

  /** A read that all of etcd agrees upon: it says whether what we know is still a part of what it knows. */
  const synchronize = async (): Promise<void> => {
    const known = at;
    if (known === undefined) return load(false);
    const {header} = parseRange(await gateway.ask('/kv/range', rangeRequest(prefix, {limit: 1})));
    const forgot = header.cluster !== known.cluster || header.revision < known.revision;
    if (forgot) log.warn({from: known.revision, to: header.revision}, 'etcd is another one, or lost its memory');
    if (forgot || hasMissed) await load(forgot);
    else await ports.onReturn?.(header.revision);
  };

  const watch = async (from: Header, signal: AbortSignal): Promise<void> => {
    const patience = new AbortController();
    const disarm = clock.after(CREATE_TIMEOUT_MS, () => patience.abort(new Error('no watch was created in time')));
    try {
      const answers = gateway.listen(
        '/watch',
        watchRequest(prefix, from.revision + 1),
        AbortSignal.any([signal, patience.signal]),
      );
      for await (const value of answers) {
        const answer = parseWatch(value);
        if (answer.is === 'cancelled') {
          hasMissed ||= answer.compacted;
          throw new EtcdFault('unreachable', `etcd ended the watch: ${answer.reason || 'compacted'}`);
        }
        if (answer.is === 'created') {
          disarm();
          linked = true;
          if (failing) log.info('etcd answers again');
          failing = false;
          ports.onLinked();
        } else {
          const revision = Math.max(from.revision, ...answer.events.map(revisionOf));
          at = {...from, revision: Math.max(at?.revision ?? 0, revision)};
          ports.onEvents(answer.events, revision);
        }
      }
    } finally {
      disarm();
      linked = false;
    }
  };

  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      cut = new AbortController();
      try {
        await synchronize();
        if (at !== undefined) await watch(at, AbortSignal.any([closing.signal, cut.signal]));
      } catch (error) {
        if (!(error instanceof EtcdFault)) throw error;
        if (closing.signal.aborted) return;
        if (!failing) log.warn({reason: error.message}, 'etcd is away: the members stay as they are');
        failing = true;
      }
      await pause(clock, RETRY_MS, closing.signal);
    }
  };

  void run();
  return {
    get linked() {
      return linked;
    },
    relink: reason => cut.abort(new Error(reason)),
    close: () => closing.abort(new Error('closed')),
  };
}

const revisionOf = (event: EtcdEvent): number => (event.is === 'put' ? event.kv.revision : event.revision);
