import type {Look, Row} from './answers.ts';
import {
  ANY_ANSWER,
  GOOD,
  hasUsable,
  type ServersLook,
  sumOf,
  timeOfAnswers,
  timeOfLatest,
  type Unanswered,
} from './unanswered.ts';

/*
 * INVARIANTS
 * - A server hangs when it is given requests again and again and answers none of them, or, once told, all too late, while
 *   others of its backend answer, or HAProxy itself does (a redirect, a cache, a rule for probes), which hides it as well.
 * - What a HAProxy that finishes its connections answers is not in the rows of servers: each process is judged by itself, and
 *   what was told goes on in the next.
 * - Its rows are looked at now and then, where requests wait, or end badly, in its backend at most looks: a busy proxy has
 *   thousands of servers.
 */

/** Servers of a backend that take requests and answer none, while others of it or HAProxy itself answer. */
export interface HangingServers {
  readonly name: string;
  /** As the configuration names them. */
  readonly servers: readonly string[];
  readonly requests: number;
  readonly beganMs: number;
}

/** What a server has not answered. */
interface Owed {
  readonly fromMs: number;
  readonly requests: number;
  /** In so many of the times between two looks at it, more of them came. */
  readonly times: number;
  readonly lastMs: number;
  readonly patienceMs: number;
  /** Another one answered. */
  readonly othersAnswer: boolean;
}

interface ServerState {
  readonly row: Row;
  readonly given: number;
  readonly answers: number;
  readonly owed: Owed | undefined;
}

interface BackendState {
  /** A bit for each of the last looks: requests waited. */
  readonly restless: number;
  /** When its servers were looked at. */
  readonly lookedMs: number | undefined;
  /** Good answers of the backend until then. */
  readonly good: number;
  readonly process: string | undefined;
  readonly servers: ReadonlyMap<string, ServerState>;
}

const newBackendState: BackendState = {
  restless: 0,
  lookedMs: undefined,
  good: 0,
  process: undefined,
  servers: new Map(),
};

/** What is remembered of each backend, by its name. */
export type HangingHistory = ReadonlyMap<string, BackendState>;

/** One of more has a small share of the requests, and to read them all takes long. */
const MAX_SERVERS = 300;

const MIN_REQUESTS = 5;
const MIN_TIMES = 3;
const PATIENCE_MS = 30_000;
const USUAL_TIMES = 3;

/** Servers are looked at so seldom; after a longer gap anew. */
const PERIOD_MS = 10_000;
const GAP_MS = 30_000;
const FORGOTTEN_MS = 60_000;

/** Of the last five looks, requests waited at three. */
const LAST_LOOKS = 0b11111;
const MIN_RESTLESS = 3;

/** Nobody waits for a server that gets no requests any more. */
const IS_OUT = /^(?:DOWN|MAINT)/;

const nameOf = ({pxname}: Row): string => pxname ?? '';

const isBackend = ({type, hrsp_5xx}: Row): boolean => type === '1' && Boolean(hrsp_5xx);

const serversIn = (row: Row): number => sumOf([row], ['act', 'bck']);

const countBits = (bits: number): number => (bits === 0 ? 0 : (bits & 1) + countBits(bits >> 1));

/** The backends whose servers have to be looked at now, those with several first: of the others, HAProxy has to answer a part. Pure. */
export function findRestless(history: HangingHistory, {atMs, rows}: Look): Row[] {
  const isDueNow = (row: Row): boolean => {
    const known = history.get(nameOf(row));
    const servers = serversIn(row);
    if (!isBackend(row) || known === undefined || servers < 1 || servers > MAX_SERVERS) return false;
    const hasOwed = [...known.servers.values()].some(({owed}) => owed !== undefined);
    const isDue = known.lookedMs === undefined || atMs - known.lookedMs >= PERIOD_MS;
    return isDue && (hasOwed || countBits(known.restless) >= MIN_RESTLESS);
  };
  const due = rows.filter(isDueNow);
  return [...due.filter(row => serversIn(row) > 1), ...due.filter(row => serversIn(row) === 1)];
}

/** Takes in a look after `before`, with rows of the servers of some backends. Pure: what is remembered, and who hangs. */
export function noteHanging(
  history: HangingHistory,
  before: Look,
  look: ServersLook,
  usualMs: ReadonlyMap<string, number>,
): readonly [HangingHistory, readonly HangingServers[]] {
  const earlier = new Map(before.rows.filter(isBackend).map(row => [nameOf(row), row] as const));
  const serversOf = Map.groupBy(look.servers, nameOf);
  const next = new Map<string, BackendState>();
  const found: HangingServers[] = [];
  for (const row of look.rows) {
    if (!isBackend(row)) continue;
    const name = nameOf(row);
    const known = history.get(name) ?? newBackendState;
    const failed = (one: Row | undefined) => sumOf([one], ['cli_abrt', 'eresp', 'hrsp_5xx']);
    const isRestless = sumOf([row], ['scur']) > 0 || failed(row) > failed(earlier.get(name) ?? row);
    const restless = ((known.restless << 1) | Number(isRestless)) & LAST_LOOKS;
    // Then it is told of as down, or emptied.
    const rows = hasUsable(row) ? serversOf.get(name) : [];
    const isDue = known.lookedMs === undefined || look.atMs - known.lookedMs >= PERIOD_MS;
    if (rows === undefined || (!isDue && rows.length > 0)) {
      next.set(name, {...known, restless});
    } else {
      const good = sumOf([row], GOOD);
      const usual = usualMs.get(name) ?? 0;
      const servers = noteServers(known, rows, look, {usualMs: usual, isAnswering: good > known.good});
      next.set(name, {restless, lookedMs: look.atMs, good, process: look.process, servers});
    }
    found.push(...hangingOf(name, next.get(name)?.servers ?? new Map(), look.atMs));
  }
  return [next, found];
}

function noteServers(
  {lookedMs, process: before, servers: known}: BackendState,
  rows: readonly Row[],
  {atMs, process, averagesFromZero}: ServersLook,
  {usualMs, isAnswering}: {readonly usualMs: number; readonly isAnswering: boolean},
): ReadonlyMap<string, ServerState> {
  const isFresh = lookedMs === undefined || atMs - lookedMs > GAP_MS;
  const counts = rows.map(row => {
    const [given, answers] = [sumOf([row], ['stot']), sumOf([row], ANY_ANSWER)];
    const seen = isFresh ? undefined : known.get(row.svname ?? '');
    const was = process === before ? seen : forNextProcess(seen, {given, answers, atMs});
    return {row, given, answers, was, answered: was === undefined ? 0 : answers - was.answers};
  });
  const others = isAnswering || counts.some(({answered}) => answered > 0);
  return new Map(
    counts.map(({row, given, answers, was, answered}) => {
      const came = was === undefined ? 0 : given - was.given;
      const patienceMs = Math.max(PATIENCE_MS, USUAL_TIMES * Math.max(usualMs, timeOfAnswers(row, averagesFromZero)));
      const fresh = {fromMs: lookedMs ?? atMs, requests: 0, times: 0, lastMs: atMs, patienceMs, othersAnswer: false};
      const goesOn = !IS_OUT.test(row.status ?? '') && (answered === 0 || isLate(was, row, answered, atMs));
      const owed = goesOn ? owe(was?.owed ?? fresh, {came, atMs, others, patienceMs}) : undefined;
      return [row.svname ?? '', {row, given, answers, owed}];
    }),
  );
}

/** Its counters begin anew, and so does what is owed, unless it was told. */
const forNextProcess = (
  seen: ServerState | undefined,
  {atMs, ...counts}: {readonly given: number; readonly answers: number; readonly atMs: number},
): ServerState | undefined =>
  seen && {...seen, ...counts, owed: seen.owed && isTold(seen.owed, atMs) ? seen.owed : undefined};

const isTold = ({requests, times, fromMs, patienceMs, othersAnswer}: Owed, atMs: number): boolean =>
  othersAnswer && requests >= MIN_REQUESTS && times >= MIN_TIMES && atMs - fromMs >= patienceMs;

/** Whether what it answers now comes so late that most clients have left. */
const isLate = (was: ServerState | undefined, row: Row, answered: number, atMs: number): boolean =>
  was?.owed !== undefined &&
  isTold(was.owed, atMs) &&
  sumOf([row], ['scur']) > 0 &&
  timeOfLatest(row, was.row, answered) >= was.owed.patienceMs / 2;

function owe(
  known: Owed,
  {came, atMs, others, patienceMs}: Pick<Owed, 'patienceMs'> & {came: number; atMs: number; others: boolean},
): Owed | undefined {
  const owed: Owed = {
    ...known,
    othersAnswer: known.othersAnswer || others,
    // How long an answer takes may be known only since others came. Late ones of its own make nothing usual.
    patienceMs: isTold(known, atMs) ? known.patienceMs : Math.max(known.patienceMs, patienceMs),
  };
  if (came > 0) return {...owed, requests: owed.requests + came, times: owed.times + 1, lastMs: atMs};
  // Nobody asked, or nobody does any more.
  return owed.requests === 0 || atMs - owed.lastMs > FORGOTTEN_MS ? undefined : owed;
}

function hangingOf(name: string, states: ReadonlyMap<string, ServerState>, atMs: number): HangingServers[] {
  const hanging = [...states].flatMap(([server, {owed}]) =>
    owed !== undefined && isTold(owed, atMs) ? [{server, ...owed}] : [],
  );
  if (hanging.length === 0) return [];
  const requests = hanging.reduce((sum, one) => sum + one.requests, 0);
  const beganMs = Math.min(...hanging.map(({fromMs}) => fromMs));
  return [{name, servers: hanging.map(({server}) => server), requests, beganMs}];
}

/** A backend of which no server answers is told of as a whole. */
export const leaveOutSilent = (
  hanging: readonly HangingServers[],
  silent: readonly Unanswered[],
): readonly HangingServers[] => hanging.filter(({name}) => silent.every(one => one.name !== name));
