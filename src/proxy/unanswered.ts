import type {Look, Row} from './answers.ts';

/*
 * INVARIANTS
 * - An answer is one of a server, counted when its headers come; a backend's own row counts it when the whole of it has gone,
 *   and answers that HAProxy gave for a server that did not.
 * - What is slow by nature (long polls, uploads) is waited for three times as long as it takes on average, and a few requests
 *   for as long as the slowest answer took: they may all be of the slow kind.
 * - A backend without a server that can be used owes nothing.
 * - Once told, answers that come are no end of it while they come too late, as HAProxy's average of their times tells: their
 *   clients have left, though HAProxy counts good answers.
 */

/** Requests to the servers of a backend that none of them has answered anything since. */
interface Owed {
  /** The look before the first of them. */
  readonly fromMs: number;
  readonly requests: number;
  /** At so many looks there were more of them. */
  readonly looks: number;
  readonly lastMs: number;
  /** What the servers had answered, and been given, as counted at the first of them. */
  readonly answers: number;
  readonly given: number;
  /** A server had one of them: otherwise it is HAProxy that holds them (tarpit), or has no server. */
  readonly isGiven: boolean;
  /** How long is too long, once that was told. */
  readonly toldMs: number | undefined;
  /** Answers came meanwhile. */
  readonly isLate: boolean;
}

/** What is remembered of each backend, by its name. */
export interface UnansweredHistory {
  readonly owed: ReadonlyMap<string, Owed>;
  /** How long an answer takes. */
  readonly usualMs: ReadonlyMap<string, number>;
  /** How long the slowest of them took, of late. */
  readonly slowestMs: ReadonlyMap<string, number>;
}

export const newUnansweredHistory: UnansweredHistory = {owed: new Map(), usualMs: new Map(), slowestMs: new Map()};

/** Requests that keep coming in to a backend, and no server answers, or all of them too late. */
export interface Unanswered {
  readonly name: string;
  readonly requests: number;
  readonly beganMs: number;
  readonly isLate: boolean;
}

/** A look, with the servers of the backends that were suspected of not answering, or where some may not. */
export interface ServersLook extends Look {
  readonly servers: readonly Row[];
  /** Its PID. */
  readonly process: string | undefined;
  /** HAProxy divides its averages by `SAMPLES`, however few answers there were. */
  readonly averagesFromZero: boolean;
}

/** Fewer, or such as came at once, tell nothing. */
const MIN_REQUESTS = 5;
const MIN_LOOKS = 3;
const PATIENCE_MS = 10_000;
const USUAL_TIMES = 3;

/** Fewer may all be such as take longest; a look may be so late to see their answers. */
const MANY_REQUESTS = 20;
const LOOK_LATE_MS = 4000;

/** Fewer that wait are no sign that all do. */
const MIN_WAITING = 3;

/** Of one that nobody has seen answer. Long polls all come once, and then wait for their first event: what hangs is asked again and again. */
const NEW_MIN_REQUESTS = 10;
const NEW_PATIENCE_MS = 30_000;
const NEW_MIN_LOOKS = 8;
const NEW_LATEST_MS = 10_000;

/** What nobody asks for any more is not owed. */
const FORGOTTEN_MS = 60_000;

/** Looks farther apart do not tell when something came between them. */
const CLOSE_LOOKS_MS = 6000;

/** HAProxy's averages up to 2.3 (TIME_STATS_SAMPLES). */
const SAMPLES = 512;

/** What an average is worth once answers come faster, and while a new process has none: those are of the one before. */
const FADES = 0.98;
const FADES_UNSEEN = 0.998;

/** 4xx are a backend's also where clients gave up, 5xx where servers did not answer. */
export const GOOD: readonly string[] = ['hrsp_1xx', 'hrsp_2xx', 'hrsp_3xx'];
/** All that a server answered, by class. */
export const ANY_ANSWER: readonly string[] = [...GOOD, 'hrsp_4xx', 'hrsp_5xx', 'hrsp_other'];

/** The sum of some counters of some rows. */
export const sumOf = (rows: readonly (Row | undefined)[], fields: readonly string[]): number =>
  rows.reduce((sum, row) => fields.reduce((more, field) => more + (Number(row?.[field]) || 0), sum), 0);

/** Whether a backend has a server that can be used; one that has none is told of as down, or emptied. */
export const hasUsable = (row: Row): boolean => sumOf([row], ['act', 'bck']) > 0;

const nameOf = ({pxname}: Row): string => pxname ?? '';

/** The backends that speak HTTP. */
const backendsOf = (rows: readonly Row[]): readonly Row[] =>
  rows.filter(({type, hrsp_5xx}) => type === '1' && hrsp_5xx);

/** The backends of which their own rows do not tell whether requests are answered: their servers' rows do. Pure. */
export function findSuspects({owed}: UnansweredHistory, before: Look | undefined, rows: readonly Row[]): Row[] {
  if (before === undefined) return [];
  const grown = compareWith(before.rows);
  return backendsOf(rows).filter(row => {
    const known = owed.get(nameOf(row));
    if (known?.toldMs !== undefined) return true;
    return grown(row, GOOD) === 0 && (known !== undefined || grown(row, ['stot']) > 0);
  });
}

/** How much some counters of a backend have grown since. */
function compareWith(rows: readonly Row[]): (row: Row, fields: readonly string[]) => number {
  const earlier = new Map(backendsOf(rows).map(row => [nameOf(row), row] as const));
  return (row, fields) => Math.max(0, sumOf([row], fields) - sumOf([earlier.get(nameOf(row))], fields));
}

/** Takes in a look after `before`. Pure: what is remembered with it, and whose requests are not answered. */
export function noteUnanswered(
  history: UnansweredHistory,
  before: ServersLook,
  look: ServersLook,
): readonly [UnansweredHistory, readonly Unanswered[]] {
  const grown = compareWith(before.rows);
  const earlierOf = new Map(backendsOf(before.rows).map(row => [nameOf(row), row] as const));
  const serversOf = Map.groupBy(look.servers, nameOf);
  const owed = new Map<string, Owed>();
  const usualMs = new Map<string, number>();
  const slowestMs = new Map<string, number>();
  const found: Unanswered[] = [];
  for (const row of backendsOf(look.rows)) {
    const name = nameOf(row);
    const known = history.owed.get(name);
    const ended = grown(row, GOOD);
    const isAnswering = ended > 0;
    // Answers that come too late are not usual.
    const usual = usualOf(row, isAnswering && known?.toldMs === undefined, history.usualMs.get(name), look);
    if (usual !== undefined) usualMs.set(name, usual);
    const both = {row, earlier: earlierOf.get(name), before, look};
    const inTime = known?.toldMs === undefined ? ended : 0;
    const slowest = slowestOf({...both, ended: inTime}, history.slowestMs.get(name));
    if (slowest > 0) slowestMs.set(name, slowest);
    if (!hasUsable(row)) continue;
    const servers = serversOf.get(name);
    const areLate = known !== undefined && areTooLate(known, {...both, ended, servers});
    if (isAnswering && !areLate) continue;
    const came = grown(row, ['stot']);
    const one = servers === undefined ? known : owe(known, {came, servers, before, look, areLate});
    if (one === undefined) continue;
    const hasAnswered = usual !== undefined || sumOf([row], GOOD) > 0 || one.answers > 0;
    // Nobody has looked yet since the daemon was started: HAProxy knows.
    const saidMs = hasAnswered ? (usual ?? timeOfAnswers(row, look.averagesFromZero)) : undefined;
    const toldMs = one.toldMs ?? whenTooLong(one, look.atMs, saidMs, slowest);
    owed.set(name, {...one, toldMs});
    if (toldMs !== undefined) found.push({name, requests: one.requests, beganMs: one.fromMs, isLate: one.isLate});
  }
  return [{owed, usualMs, slowestMs}, found];
}

/** How long the answers took that ended between two looks at a row: HAProxy's average of the last `SAMPLES` moves by a part of that. */
export function timeOfLatest(row: Row, before: Row | undefined, ended: number): number {
  const [was, is] = [Number(before?.rtime) || 0, Number(row.rtime) || 0];
  return was + ((is - was) * SAMPLES) / Math.min(SAMPLES, ended);
}

interface Ended {
  readonly row: Row;
  /** At the look before. */
  readonly earlier: Row | undefined;
  readonly ended: number;
  readonly before: ServersLook;
  readonly look: ServersLook;
}

interface Answering extends Ended {
  readonly servers: readonly Row[] | undefined;
}

/** How long its slowest answer took: HAProxy tells since 2.0; before, its average tells of a look's answers together. */
function slowestOf({row, earlier, ended, before, look}: Ended, knownMs = 0): number {
  if (row.rtime_max) return Math.max(Number(row.rtime_max), ended > 0 ? knownMs * FADES : knownMs);
  if (ended === 0 || before.process !== look.process || !look.averagesFromZero) return knownMs;
  return Math.max(timeOfLatest(row, earlier, ended), knownMs * FADES);
}

/** Whether answers that come now do not end what was told: others wait, and these took half as long as was told, or longer. */
function areTooLate(known: Owed, {row, earlier, ended, servers, before, look}: Answering): boolean {
  const {toldMs, requests, answers} = known;
  if (toldMs === undefined || servers === undefined) return false;
  const waiting = Math.min(sumOf(servers, ['scur']), requests - (sumOf(servers, ANY_ANSWER) - answers));
  if (waiting < MIN_WAITING) return false;
  // Headers alone are those of streams.
  if (ended === 0) return known.isLate;
  // Another process has another average.
  if (before.process !== look.process) return true;
  return timeOfLatest(row, earlier, ended) >= toldMs / 2;
}

interface Coming {
  readonly came: number;
  readonly servers: readonly Row[];
  readonly before: Look;
  readonly look: Look;
  readonly areLate: boolean;
}

function owe(known: Owed | undefined, {came, servers, before, look: {atMs}, areLate}: Coming): Owed | undefined {
  const [answers, given] = [sumOf(servers, ANY_ANSWER), sumOf(servers, ['stot'])];
  const isGiven = sumOf(servers, ['scur']) > 0;
  if (known === undefined || (answers > known.answers && !areLate)) {
    const fromMs = atMs - before.atMs <= CLOSE_LOOKS_MS ? before.atMs : atMs;
    const fresh = {fromMs, requests: came, looks: 1, lastMs: atMs, answers, given, isGiven};
    return came === 0 ? undefined : {...fresh, toldMs: undefined, isLate: false};
  }
  const owed = {
    ...known,
    isGiven: known.isGiven || isGiven || given > known.given,
    isLate: answers > known.answers,
  };
  if (came === 0) return atMs - known.lastMs > FORGOTTEN_MS ? undefined : owed;
  return {...owed, requests: known.requests + came, looks: known.looks + 1, lastMs: atMs};
}

/** How long is too long for it, when it is; `usualMs`: undefined when nobody has seen it answer. */
function whenTooLong(
  {fromMs, requests, looks, lastMs, isGiven}: Owed,
  atMs: number,
  usualMs: number | undefined,
  slowestMs: number,
): number | undefined {
  const [least, leastMs] =
    usualMs === undefined
      ? [NEW_MIN_REQUESTS, NEW_PATIENCE_MS]
      : [MIN_REQUESTS, Math.max(PATIENCE_MS, USUAL_TIMES * usualMs)];
  const areComing =
    looks >= MIN_LOOKS && (usualMs !== undefined || (looks >= NEW_MIN_LOOKS && atMs - lastMs <= NEW_LATEST_MS));
  const patienceMs = requests < MANY_REQUESTS ? Math.max(leastMs, slowestMs + LOOK_LATE_MS) : leastMs;
  return isGiven && requests >= least && areComing && atMs - fromMs >= patienceMs ? patienceMs : undefined;
}

/** How long the answers of a backend or a server took on average, by its own row. */
export function timeOfAnswers(row: Row, averagesFromZero: boolean): number {
  const samples = sumOf([row], ANY_ANSWER);
  const factor = averagesFromZero ? Math.max(1, SAMPLES / Math.max(1, samples)) : 1;
  return (Number(row.rtime) || 0) * factor;
}

/** How long an answer of a backend takes, of late: another process counts anew, so the longer one stays for a while. */
function usualOf(row: Row, isAnswering: boolean, known: number | undefined, look: ServersLook): number | undefined {
  if (!isAnswering) return known;
  const saidMs = timeOfAnswers(row, look.averagesFromZero);
  return known === undefined ? saidMs : Math.max(saidMs, known * (saidMs === 0 ? FADES_UNSEEN : FADES));
}
