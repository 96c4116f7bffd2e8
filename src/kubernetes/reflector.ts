import {type Clock, pause} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Api, Query} from './api.ts';
import {ApiFault} from './api-fault.ts';
import {deriveDelayMs, isLasting, LASTING_MS} from './backoff.ts';
import {parseList, parseNamed} from './objects.ts';

/*
 * INVARIANTS
 * - `replace` tells the whole set, `upsert` and `remove` each change after it: nothing is missed in between, since the
 *   watch starts from the version that was told last.
 * - A failure tells nothing: what was known stays, for an outage of any length.
 * - At most one request or watch runs; each failure in a row waits longer, whatever works in between, and a server that
 *   closes watches at once gets one a second.
 */

/** What to reflect: one object by `name` (needs the verbs get and watch), or all that `query` selects (list and watch). */
export interface Subject {
  /** For people: `secret tls-a`. */
  readonly what: string;
  /** The collection: `/api/v1/namespaces/default/secrets`. */
  readonly path: string;
  readonly name?: string;
  readonly query?: Query;
}

/** Takes the objects in. An object is of unknown shape, but has a name. What a mirror throws is fatal. */
export interface Mirror {
  replace(objects: readonly unknown[]): void;
  upsert(object: unknown): void;
  remove(object: unknown): void;
}

/** How a reflection stands. `synced`: the set was told at least once since the start. */
export interface ReflectionStatus {
  readonly what: string;
  readonly state: 'starting' | 'watching' | 'failing';
  readonly synced: boolean;
  readonly failures: number;
  readonly reason: string | null;
}

export interface Reflection {
  readonly status: ReflectionStatus;
  /** Resolves once the set was told or the first try failed. */
  readonly tried: Promise<void>;
  close(): void;
}

export interface ReflectorPorts {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** Watches that end this soon are spaced out, and prove nothing of the server's health. */
const SHORT_WATCH_MS = 5000;
const BETWEEN_SHORT_MS = 1000;

/** After this many failures in a row the version we hold may be what the server cannot serve: begin afresh. */
const FAILURES_BEFORE_LIST = 3;

/** Follows objects of the API for as long as it is open. Logs one line when it begins to fail, one when it works again. */
export function openReflector(subject: Subject, mirror: Mirror, ports: ReflectorPorts): Reflection {
  const {api, clock, log, random = Math.random} = ports;
  const {what, path, name} = subject;
  const closing = new AbortController();
  const {signal} = closing;
  const tried = Promise.withResolvers<void>();
  const query = {...subject.query, ...(name !== undefined && {fieldSelector: `metadata.name=${name}`})};
  /** The one to watch from; empty: none, the watch begins with what is there. */
  let version: string | undefined;
  /** The server forgot the version of the one object: it can be older than all that a server remembers. */
  let isOutlived = false;
  /** Failures since a watch told something and lasted. */
  let streak = 0;
  let hasTold = false;
  let status: ReflectionStatus = {what, state: 'starting', synced: false, failures: 0, reason: null};

  const succeed = () => {
    if (status.failures > 0) log.info({reason: what}, 'kubernetes api answers again');
    status = {what, state: 'watching', synced: true, failures: 0, reason: null};
    tried.resolve();
  };

  const fail = ({status: code, message}: ApiFault): number => {
    streak += 1;
    if (version === '' || streak >= FAILURES_BEFORE_LIST) version = undefined;
    if (code === 410) {
      version = undefined;
      isOutlived = true;
      log.info({reason: `${what}: ${message}`}, 'kubernetes api: the version is gone, reading anew');
      if (streak === 1) return 0;
    }
    if (status.failures === 0) log.warn({reason: `${what}: ${message}`}, 'kubernetes api fails: what is known stays');
    status = {...status, state: 'failing', failures: streak, reason: message};
    tried.resolve();
    return isLasting(code) ? LASTING_MS : deriveDelayMs(streak, random());
  };

  /** One object that is not there is an empty set; its watch tells when it comes. */
  const load = async () => {
    if (name === undefined) return parseList(await api.request({method: 'GET', path, query, signal}));
    try {
      const object = await api.request({method: 'GET', path: `${path}/${name}`, signal});
      const version = parseNamed(object)?.resourceVersion;
      return version === undefined ? undefined : {items: [object], resourceVersion: version};
    } catch (error) {
      if (error instanceof ApiFault && error.status === 404) return {items: [], resourceVersion: ''};
      throw error;
    }
  };

  const list = async () => {
    const loaded = await load();
    if (loaded === undefined) throw new ApiFault(undefined, 'the answer is no object of the API');
    mirror.replace(loaded.items);
    version = isOutlived && name !== undefined ? '' : loaded.resourceVersion;
  };

  const watch = async () => {
    const from = version === undefined || version === '' ? {} : {resourceVersion: version};
    await api.watch(
      path,
      {...query, ...from},
      ({type, object}) => {
        const named = parseNamed(object);
        hasTold = true;
        if (type === 'BOOKMARK') version = named?.resourceVersion ?? bookmarkOf(object) ?? version;
        if (named === undefined || signal.aborted) return;
        if (type === 'ADDED' || type === 'MODIFIED') mirror.upsert(object);
        else if (type === 'DELETED') mirror.remove(object);
        else return;
        version = named.resourceVersion ?? version;
        succeed();
      },
      signal,
    );
  };

  const run = async () => {
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      hasTold = false;
      let delayMs = 0;
      try {
        if (version === undefined) {
          await list();
          succeed();
        }
        await watch();
        succeed();
        streak = 0;
        if (version === '') version = undefined;
        if (clock.nowMs() - startedMs < SHORT_WATCH_MS) delayMs = BETWEEN_SHORT_MS;
      } catch (error) {
        if (!(error instanceof ApiFault)) throw error;
        if (signal.aborted) return;
        if (hasTold && clock.nowMs() - startedMs >= SHORT_WATCH_MS) streak = 0;
        delayMs = fail(error);
      }
      await pause(clock, delayMs, signal);
    }
  };
  void run();

  return {
    get status() {
      return status;
    },
    tried: tried.promise,
    close: () => closing.abort(),
  };
}

/** A bookmark carries a version and no name. */
const bookmarkOf = (object: unknown): string | undefined =>
  parseNamed({metadata: {...(object as {metadata?: object} | null)?.metadata, name: '-'}})?.resourceVersion;
