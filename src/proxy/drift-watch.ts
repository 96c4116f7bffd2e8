import {DaemonError} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Log} from '../ports/log.ts';
import {createQueue} from '../ports/queue.ts';
import {readServersState, readStatAddresses} from './answers.ts';
import {type Deviation, describeDeviation, type ExpectedServers, findDeviations, readExpectedServers} from './drift.ts';

/** How the HAProxy that runs differs from its text, as it was last seen. */
export interface Drift {
  /** When it was last compared, epoch ms; null before the first time. */
  readonly lookedAt: number | null;
  /** All that were found. */
  readonly count: number;
  /** The first 100 of them. */
  readonly deviations: readonly (Deviation & {readonly sinceAt: number})[];
}

/** The HAProxy that serves, and the text that it runs. */
export interface RunningProxy {
  readonly pid: number;
  readonly socket: string;
  readonly text: string;
}

export interface DriftWatchPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** One command on a runtime socket; rejects with PROXY. */
  readonly ask: (socket: string, command: string) => Promise<string>;
  /** Undefined while none runs, or while it is being changed: there is nothing to compare with. */
  readonly running: () => RunningProxy | undefined;
}

/** Looks now and then whether HAProxy runs what its text says. Tells, and mends nothing: operators drain by hand on purpose. */
export interface DriftWatch {
  readonly drift: Drift;
  /** Looks now. Resolves when it has looked; one that is not answered, or is overtaken by a change, leaves all as it was. */
  look(): Promise<void>;
  /** Calls with what is known, at once and whenever other deviations are found; the returned function ends that. */
  follow(listener: (drift: Drift) => void): () => void;
  close(): void;
}

const PERIOD_MS = 10_000;

const MAX_SHOWN = 100;

/** `show stat` of the servers alone (management.txt 9.3: any proxy, type 4, any server). */
const SERVER_STATISTICS = 'show stat -1 4 -1';

interface State {
  readonly ports: DriftWatchPorts;
  readonly listeners: Set<(drift: Drift) => void>;
  drift: Drift;
  /** When each was first seen, by what `keyOf` makes of it. */
  since: ReadonlyMap<string, number>;
  /** Read once for each text. */
  expected: {readonly text: string; readonly servers: ExpectedServers} | undefined;
}

export function openDriftWatch(ports: DriftWatchPorts): DriftWatch {
  const {clock} = ports;
  const state: State = {
    ports,
    listeners: new Set(),
    drift: {lookedAt: null, count: 0, deviations: []},
    since: new Map(),
    expected: undefined,
  };
  const looks = createQueue();
  let isClosed = false;
  let cancel = () => {};

  const lookNow = async (): Promise<void> => {
    const deviations = isClosed ? undefined : await findDrift(state);
    if (isClosed) return;
    cancel();
    cancel = clock.after(PERIOD_MS, () => void look());
    if (deviations !== undefined) take(state, deviations);
  };
  const look = () => looks.add(lookNow);
  cancel = clock.after(PERIOD_MS, () => void look());

  return {
    get drift() {
      return state.drift;
    },
    look,
    follow(listener) {
      state.listeners.add(listener);
      listener(state.drift);
      return () => void state.listeners.delete(listener);
    },
    close() {
      isClosed = true;
      cancel();
    },
  };
}

async function findDrift(state: State): Promise<Deviation[] | undefined> {
  const {ask, log, running} = state.ports;
  const proxy = running();
  if (proxy === undefined) return undefined;
  if (state.expected?.text !== proxy.text) {
    state.expected = {text: proxy.text, servers: await stepByStep(readExpectedServers(proxy.text))};
  }
  const {servers} = state.expected;
  try {
    const rows = await stepByStep(readServersState(await ask(proxy.socket, 'show servers state')));
    const isPortTold = rows.every(row => row.srv_port !== undefined);
    const addresses = isPortTold
      ? new Map<string, string>()
      : await stepByStep(readStatAddresses(await ask(proxy.socket, SERVER_STATISTICS)));
    const deviations = await stepByStep(findDeviations(servers, rows, addresses));
    return isSame(proxy, running()) ? deviations : undefined;
  } catch (err) {
    if (!(err instanceof DaemonError)) throw err;
    log.debug({err}, 'HAProxy was not compared with its text: it did not answer');
    return undefined;
  }
}

const isSame = (proxy: RunningProxy, other: RunningProxy | undefined): boolean =>
  other?.pid === proxy.pid && other.socket === proxy.socket && other.text === proxy.text;

function take(state: State, deviations: readonly Deviation[]): void {
  const {clock, log} = state.ports;
  const before = state.since;
  const nowAt = clock.epochMs();
  const sinceOf = (deviation: Deviation) => before.get(keyOf(deviation)) ?? nowAt;
  state.since = new Map(deviations.map(deviation => [keyOf(deviation), sinceOf(deviation)]));
  state.drift = {
    lookedAt: nowAt,
    count: deviations.length,
    deviations: deviations.slice(0, MAX_SHOWN).map(one => ({...one, sinceAt: sinceOf(one)})),
  };
  if (before.size === state.since.size && [...before.keys()].every(key => state.since.has(key))) return;
  const [first] = deviations;
  if (first === undefined) log.info('HAProxy runs what its text says again');
  else log.warn({count: deviations.length, reason: describeDeviation(first)}, 'HAProxy differs from its text');
  for (const listener of [...state.listeners]) listener(state.drift);
}

/** With what was found: one that is changed again is another deviation, and its own age. */
const keyOf = ({backend, server, what, found}: Deviation): string => `${backend}/${server} ${what} ${found}`;
