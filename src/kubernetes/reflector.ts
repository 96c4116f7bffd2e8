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

interface State {
  readonly subject: Subject;
  readonly query: Query;
  readonly mirror: Mirror;
  readonly ports: ReflectorPorts;
  readonly signal: AbortSignal;
  readonly tried: PromiseWithResolvers<void>;
  status: ReflectionStatus;
  /** The one to watch from; empty: none, the watch begins with what is there. */
  version: string | undefined;
  /** The server forgot the version of the one object: it can be older than all that a server remembers. */
  isOutlived: boolean;
  /** Failures since a watch told something and lasted. */
  streak: number;
  /** The watch under way told something. */
  hasTold: boolean;
}

/** Follows objects of the API for as long as it is open. Logs one line when it begins to fail, one when it works again. */
export function openReflector(subject: Subject, mirror: Mirror, ports: ReflectorPorts): Reflection {
  const {what, name} = subject;
  const closing = new AbortController();
  const state: State = {
    subject,
    query: {...subject.query, ...(name !== undefined && {fieldSelector: `metadata.name=${name}`})},
    mirror,
    ports,
    signal: closing.signal,
    tried: Promise.withResolvers(),
    status: {what, state: 'starting', synced: false, failures: 0, reason: null},
    version: undefined,
    isOutlived: false,
    streak: 0,
    hasTold: false,
  };
  void run(state);
  return {
    get status() {
      return state.status;
    },
    tried: state.tried.promise,
    close: () => closing.abort(),
  };
}

async function run(state: State): Promise<void> {
  const {signal} = state;
  const {clock} = state.ports;
  while (!signal.aborted) {
    const startedMs = clock.nowMs();
    state.hasTold = false;
    let delayMs = 0;
    try {
      if (state.version === undefined) {
        await list(state);
        succeed(state);
      }
      await watch(state);
      succeed(state);
      state.streak = 0;
      if (state.version === '') state.version = undefined;
      if (clock.nowMs() - startedMs < SHORT_WATCH_MS) delayMs = BETWEEN_SHORT_MS;
    } catch (error) {
      if (!(error instanceof ApiFault)) throw error;
      if (signal.aborted) return;
      if (state.hasTold && clock.nowMs() - startedMs >= SHORT_WATCH_MS) state.streak = 0;
      delayMs = fail(state, error);
    }
    await pause(clock, delayMs, signal);
  }
}

async function list(state: State): Promise<void> {
  const loaded = await load(state);
  if (loaded === undefined) throw new ApiFault(undefined, 'the answer is no object of the API');
  state.mirror.replace(loaded.items);
  state.version = state.isOutlived && state.subject.name !== undefined ? '' : loaded.resourceVersion;
}

/** One object that is not there is an empty set; its watch tells when it comes. */
async function load({subject: {name, path}, query, signal, ports: {api}}: State) {
  if (name === undefined) return parseList(await api.request({method: 'GET', path, query, signal}));
  try {
    const object = await api.request({method: 'GET', path: `${path}/${name}`, signal});
    const version = parseNamed(object)?.resourceVersion;
    return version === undefined ? undefined : {items: [object], resourceVersion: version};
  } catch (error) {
    if (error instanceof ApiFault && error.status === 404) return {items: [], resourceVersion: ''};
    throw error;
  }
}

async function watch(state: State): Promise<void> {
  const {subject, query, mirror, signal, version} = state;
  const from = version === undefined || version === '' ? {} : {resourceVersion: version};
  await state.ports.api.watch(
    subject.path,
    {...query, ...from},
    ({type, object}) => {
      const named = parseNamed(object);
      state.hasTold = true;
      if (type === 'BOOKMARK') state.version = named?.resourceVersion ?? bookmarkOf(object) ?? state.version;
      if (named === undefined || signal.aborted) return;
      if (type === 'ADDED' || type === 'MODIFIED') mirror.upsert(object);
      else if (type === 'DELETED') mirror.remove(object);
      else return;
      state.version = named.resourceVersion ?? state.version;
      succeed(state);
    },
    signal,
  );
}

function succeed(state: State): void {
  const {what} = state.subject;
  if (state.status.failures > 0) state.ports.log.info({reason: what}, 'kubernetes api answers again');
  state.status = {what, state: 'watching', synced: true, failures: 0, reason: null};
  state.tried.resolve();
}

/** How long to wait now. */
function fail(state: State, {status: code, message}: ApiFault): number {
  const {log, random = Math.random} = state.ports;
  const reason = `${state.subject.what}: ${message}`;
  state.streak += 1;
  if (state.version === '' || state.streak >= FAILURES_BEFORE_LIST) state.version = undefined;
  if (code === 410) {
    state.version = undefined;
    state.isOutlived = true;
    log.info({reason}, 'kubernetes api: the version is gone, reading anew');
    if (state.streak === 1) return 0;
  }
  if (state.status.failures === 0) log.warn({reason}, 'kubernetes api fails: what is known stays');
  state.status = {...state.status, state: 'failing', failures: state.streak, reason: message};
  state.tried.resolve();
  return isLasting(code) ? LASTING_MS : deriveDelayMs(state.streak, random());
}

/** A bookmark carries a version and no name. */
const bookmarkOf = (object: unknown): string | undefined =>
  parseNamed({metadata: {...(object as {metadata?: object} | null)?.metadata, name: '-'}})?.resourceVersion;
