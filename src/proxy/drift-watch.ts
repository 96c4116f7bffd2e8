import {createHash} from 'node:crypto';
import {DaemonError} from '../errors.ts';
import type {Clock} from '../ports/clock.ts';
import {stepByStep} from '../ports/event-loop.ts';
import type {Log} from '../ports/log.ts';
import {createQueue} from '../ports/queue.ts';
import {type Row, readServersState, readStatFields} from './answers.ts';
import {type Deviation, describeDeviation, deviationOf} from './deviation.ts';
import {
  type ExpectedServers,
  findDeviations,
  hasAgent,
  readExpectedServers,
  readStartedServers,
  type StartedServers,
} from './drift.ts';
import {
  digestEntries,
  entriesCommand,
  findReadable,
  keepsLists,
  type ListView,
  parsePatternLists,
} from './pattern-lists.ts';
import {compareViews, type ProcessView, readProcessView} from './process-view.ts';
import {compareSettings, type SeenSettings} from './server-settings.ts';
import type {Release} from './version.ts';

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
  /** The same; undefined where the answer is long. */
  readonly askShort: (socket: string, command: string) => Promise<string | undefined>;
  /** Undefined while none runs, or while it is being changed: there is nothing to compare with. */
  readonly running: () => RunningProxy | undefined;
  /** Files that its text names, with other content than when it read them. Never rejects. */
  readonly changedFiles: () => Promise<readonly string[]>;
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

/** A whole look at 1,000 servers takes some 20 ms of CPU and leaves 8 MiB to collect: most of what an idle daemon did. */
const SERVERS_IN_PERIOD = 200;
const MAX_WHOLE_MS = 60_000;

/**
 * How long after a whole look that found so many servers as their text says the next one is due. Until then a look is
 * whole only where `show servers state` tells another address, port, weight or state. Pure.
 */
export const wholeAgainMs = (servers: number): number =>
  servers <= SERVERS_IN_PERIOD ? 0 : Math.min(MAX_WHOLE_MS, PERIOD_MS * Math.ceil(servers / SERVERS_IN_PERIOD));

const MAX_SHOWN = 100;

/** `show stat` of some kinds alone (management.txt 9.3: any proxy; frontends 1, backends 2, servers 4; any server). */
const FRONTEND_STATISTICS = 'show stat -1 1 -1';
const PROXY_STATISTICS = 'show stat -1 3 -1';
const SERVER_STATISTICS = 'show stat -1 4 -1';
const PROXY_FIELDS = ['pxname', 'svname', 'status', 'slim'];
const SERVER_FIELDS = ['pxname', 'svname', 'slim', 'addr', 'agent_status', 'cookie'];

/** With more servers their statistics, which have their limits, are not worth it. */
const MANY_SERVERS = 2000;

interface State {
  readonly ports: DriftWatchPorts;
  readonly listeners: Set<(drift: Drift) => void>;
  drift: Drift;
  /** When each was first seen, by what `keyOf` makes of it. */
  since: ReadonlyMap<string, number>;
  /** Read once for each text. */
  expected: {readonly text: string; readonly servers: ExpectedServers; readonly keepsLists: boolean} | undefined;
  /** The process that is looked at, as it was when it was first seen. */
  started: StartedProxy | undefined;
  /** The last whole look, where it found all servers as their text says. */
  clean: {readonly proxy: RunningProxy; readonly standing: string; readonly againMs: number} | undefined;
  /** When all was looked at that is no server, and what was found. */
  beside: {readonly atMs: number; readonly deviations: readonly Deviation[]};
}

interface StartedProxy {
  readonly pid: number;
  readonly socket: string;
  readonly servers: StartedServers;
  readonly view: ProcessView;
  /** Servers whose agents have answered since. */
  readonly heard: Set<string>;
  readonly settings: SeenSettings;
}

export function openDriftWatch(ports: DriftWatchPorts): DriftWatch {
  const {clock} = ports;
  const state: State = {
    ports,
    listeners: new Set(),
    drift: {lookedAt: null, count: 0, deviations: []},
    since: new Map(),
    expected: undefined,
    started: undefined,
    clean: undefined,
    beside: {atMs: Number.NEGATIVE_INFINITY, deviations: []},
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
  const {log, running} = state.ports;
  const proxy = running();
  if (proxy === undefined) return undefined;
  if (state.expected?.text !== proxy.text) {
    const {text} = proxy;
    state.expected = {text, servers: await stepByStep(readExpectedServers(text)), keepsLists: keepsLists(text)};
  }
  try {
    const deviations = await compareAll(state, proxy, state.expected);
    return isSame(proxy, running()) ? deviations : undefined;
  } catch (err) {
    if (!(err instanceof DaemonError)) throw err;
    log.debug({err}, 'HAProxy was not compared with its text: it did not answer');
    return undefined;
  }
}

async function compareAll(
  state: State,
  proxy: RunningProxy,
  {servers, keepsLists}: NonNullable<State['expected']>,
): Promise<Deviation[]> {
  const {ask, clock, running} = state.ports;
  const states = await ask(proxy.socket, 'show servers state');
  const known = startedAs(state, proxy);
  const isDue = known === undefined || clock.nowMs() - state.beside.atMs >= PERIOD_MS;
  const view = isDue ? await readView(proxy.socket, state.ports, {keepsLists, started: known?.view.lists}) : undefined;
  const files = isDue ? await state.ports.changedFiles() : [];
  const found = await compareServers(state, proxy, {servers, states, known, view});
  const started = startedAs(state, proxy);
  if (view !== undefined && started !== undefined && isSame(proxy, running())) {
    const changedFiles = files.map(path => deviationOf(`file ${path}`, 'content', 'as it was read', 'changed'));
    state.beside = {atMs: clock.nowMs(), deviations: [...compareViews(started.view, view), ...changedFiles]};
  }
  return [...found, ...state.beside.deviations];
}

const startedAs = ({started}: State, {pid, socket}: RunningProxy): StartedProxy | undefined =>
  started?.pid === pid && started.socket === socket ? started : undefined;

/** What is compared here; `known` where the process was seen before, and `view` what it is beside its servers. */
interface ServersLook {
  readonly servers: ExpectedServers;
  readonly states: string;
  readonly known: StartedProxy | undefined;
  readonly view: ProcessView | undefined;
}

async function compareServers(
  state: State,
  proxy: RunningProxy,
  {servers, states, known, view}: ServersLook,
): Promise<Deviation[]> {
  const {ask, clock, running} = state.ports;
  const {clean} = state;
  const standing = digestStanding(states);
  const isAsBefore = known !== undefined && clean?.standing === standing && isSame(proxy, clean.proxy);
  if (isAsBefore && clock.nowMs() < clean.againMs) return [];
  const rows = await readServers(states, command => ask(proxy.socket, command));
  const started = known ?? {
    pid: proxy.pid,
    socket: proxy.socket,
    servers: await stepByStep(readStartedServers(servers, rows)),
    view: view ?? NOTHING_SEEN,
    heard: new Set<string>(),
    settings: new Map(),
  };
  for (const row of rows) if (AGENT_SPOKE.test(row.agent_status ?? '')) started.heard.add(serverOf(row));
  const found = await stepByStep(findDeviations(servers, rows, {started: started.servers, heard: started.heard}));
  const {deviations: changed, seen} = await stepByStep(compareSettings(servers, rows, started.settings));
  if (isSame(proxy, running())) {
    state.started = {...started, settings: seen};
    const isClean = found.length === 0 && changed.length === 0;
    state.clean = isClean ? {proxy, standing, againMs: clock.nowMs() + wholeAgainMs(rows.length)} : undefined;
  }
  return [...found, ...changed];
}

/** Of `show servers state`, without how long each server has been up or down. */
function digestStanding(states: string): string {
  const [, header = ''] = states.split('\n', 2);
  // The header begins with a `#` that no row has.
  const column = header.split(' ').indexOf('srv_time_since_last_change') - 1;
  const still = column < 0 ? states : states.replace(new RegExp(`^((?:\\S* ){${column}})\\d+`, 'gm'), '$1');
  return createHash('sha256').update(still).digest('hex');
}

const NOTHING_SEEN: ProcessView = {
  frontends: new Map(),
  unpublished: new Set(),
  limits: new Map(),
  lists: new Map(),
};

/** `L7OK`, `CHECKED` where it said neither up nor down (`drain`, `50%`), and `* L7OK` while it is asked again. */
const AGENT_SPOKE = /^(\* )?(L7|CHECKED)/;

type Asked = (command: string) => Promise<string>;

const serverOf = ({be_name: backend, srv_name: server}: Row): string => `${backend}/${server}`;

/** The servers' states, with what statistics add: limits, what agents said, and ports for versions that tell none there. */
async function readServers(states: string, asked: Asked): Promise<Row[]> {
  const rows = await stepByStep(readServersState(states));
  const needsMore = rows.length <= MANY_SERVERS || rows.some(row => row.srv_port === undefined || hasAgent(row));
  if (!needsMore || rows.length === 0) return rows;
  const statistics = await stepByStep(readStatFields(await asked(SERVER_STATISTICS), SERVER_FIELDS));
  const byName = new Map(statistics.map(row => [`${row.pxname}/${row.svname}`, row]));
  return rows.map(row => {
    const {slim, addr = '', agent_status = '', cookie} = byName.get(serverOf(row)) ?? {};
    const port = row.srv_port ?? /:(\d+)$/.exec(addr)?.[1];
    return {
      ...row,
      agent_status,
      ...(cookie !== undefined && {cookie}),
      ...(slim !== undefined && {slim: slim || '0'}),
      ...(port !== undefined && {srv_port: port}),
    };
  });
}

/** From here on backends may be "unpublished". */
const UNPUBLISHES: Release = 3.4;

async function readView(
  socket: string,
  {ask, askShort}: Pick<DriftWatchPorts, 'ask' | 'askShort'>,
  lists: {readonly keepsLists: boolean; readonly started: ReadonlyMap<string, ListView> | undefined},
): Promise<ProcessView> {
  const info = await ask(socket, 'show info');
  const [, version] = /^Version: (\d+\.\d+)/m.exec(info) ?? [];
  const statistics = Number(version) >= UNPUBLISHES ? PROXY_STATISTICS : FRONTEND_STATISTICS;
  return readProcessView({
    proxies: await stepByStep(readStatFields(await ask(socket, statistics), PROXY_FIELDS)),
    info,
    lists: lists.keepsLists ? await readLists(socket, {ask, askShort}, lists.started) : new Map(),
  });
}

/** All lists; the entries of those that had few at the start, and have as many still. */
async function readLists(
  socket: string,
  {ask, askShort}: Pick<DriftWatchPorts, 'ask' | 'askShort'>,
  started: ReadonlyMap<string, ListView> | undefined,
): Promise<ReadonlyMap<string, ListView>> {
  const all = [
    ...parsePatternLists('map', await ask(socket, 'show map')),
    ...parsePatternLists('acl', await ask(socket, 'show acl')),
  ];
  const read =
    started === undefined
      ? findReadable(all)
      : all.filter(({name, count}) => started.get(name)?.digest !== undefined && started.get(name)?.count === count);
  const answer = read.length === 0 ? '' : await askShort(socket, entriesCommand(read));
  const digests = answer === undefined ? [] : digestEntries(answer, read.length);
  const byName = new Map(read.map(({name}, index) => [name, digests[index]]));
  return new Map(all.map(({name, count, version}) => [name, {count, version, digest: byName.get(name)}]));
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
const keyOf = ({subject, what, found}: Deviation): string => `${subject} ${what} ${found}`;
