import type {Row} from './answers.ts';

/*
 * INVARIANTS
 * - An answer is one of a server, counted when its headers come; a backend's own row counts it when the whole of it has gone,
 *   and answers that HAProxy gave for a server that did not.
 * - What is slow by nature (long polls, uploads) is waited for three times as long as it takes on average.
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
}

/** What is remembered of each backend, by its name. */
export interface UnansweredHistory {
  readonly owed: ReadonlyMap<string, Owed>;
  /** How long an answer takes. */
  readonly usualMs: ReadonlyMap<string, number>;
}

export const newUnansweredHistory: UnansweredHistory = {owed: new Map(), usualMs: new Map()};

/** Requests that keep coming in to a backend, and no server answers. */
export interface Unanswered {
  readonly name: string;
  readonly requests: number;
  readonly beganMs: number;
}

interface Rows {
  readonly atMs: number;
  readonly rows: readonly Row[];
}

/** A look, with the servers of those that were suspects in it. */
export interface ServersLook extends Rows {
  readonly servers: readonly Row[];
  /** HAProxy divides its averages by `SAMPLES`, however few answers there were. */
  readonly averagesFromZero: boolean;
}

/** Fewer, or such as came at once, tell nothing. */
const MIN_REQUESTS = 5;
const MIN_LOOKS = 3;
const PATIENCE_MS = 10_000;
const USUAL_TIMES = 3;

/** Of one that nobody has seen answer. */
const NEW_MIN_REQUESTS = 10;
const NEW_PATIENCE_MS = 30_000;

/** What nobody asks for any more is not owed. */
const FORGOTTEN_MS = 60_000;

/** Looks farther apart do not tell when something came between them. */
const CLOSE_LOOKS_MS = 6000;

/** HAProxy's averages up to 2.3 (TIME_STATS_SAMPLES). */
const SAMPLES = 512;

/** What an average is worth once answers come faster. */
const FADES = 0.98;

/** 4xx are a backend's also where clients gave up, 5xx where servers did not answer. */
const GOOD = ['hrsp_1xx', 'hrsp_2xx', 'hrsp_3xx'];
const ANY = [...GOOD, 'hrsp_4xx', 'hrsp_5xx', 'hrsp_other'];

const sumOf = (rows: readonly (Row | undefined)[], fields: readonly string[]): number =>
  rows.reduce((sum, row) => fields.reduce((more, field) => more + (Number(row?.[field]) || 0), sum), 0);

const nameOf = ({pxname}: Row): string => pxname ?? '';

/** The backends that speak HTTP. */
const backendsOf = (rows: readonly Row[]): readonly Row[] =>
  rows.filter(({type, hrsp_5xx}) => type === '1' && hrsp_5xx);

/** The backends of which their own rows do not tell whether requests are answered: their servers' rows do. Pure. */
export function findSuspects({owed}: UnansweredHistory, before: Rows | undefined, rows: readonly Row[]): Row[] {
  if (before === undefined) return [];
  const grown = compareWith(before.rows);
  return backendsOf(rows).filter(row => grown(row, GOOD) === 0 && (owed.has(nameOf(row)) || grown(row, ['stot']) > 0));
}

/** How much some counters of a backend have grown since. */
function compareWith(rows: readonly Row[]): (row: Row, fields: readonly string[]) => number {
  const earlier = new Map(backendsOf(rows).map(row => [nameOf(row), row] as const));
  return (row, fields) => Math.max(0, sumOf([row], fields) - sumOf([earlier.get(nameOf(row))], fields));
}

/** Takes in a look after `before`. Pure: what is remembered with it, and whose requests are not answered. */
export function noteUnanswered(
  history: UnansweredHistory,
  before: Rows,
  look: ServersLook,
): readonly [UnansweredHistory, readonly Unanswered[]] {
  const grown = compareWith(before.rows);
  const serversOf = Map.groupBy(look.servers, nameOf);
  const owed = new Map<string, Owed>();
  const usualMs = new Map<string, number>();
  const found: Unanswered[] = [];
  for (const row of backendsOf(look.rows)) {
    const name = nameOf(row);
    const usual = usualOf(row, grown(row, GOOD) > 0, history.usualMs.get(name), look);
    if (usual !== undefined) usualMs.set(name, usual);
    if (grown(row, GOOD) > 0) continue;
    const known = history.owed.get(name);
    const servers = serversOf.get(name);
    const one = servers === undefined ? known : owe(known, {came: grown(row, ['stot']), servers, before, look});
    if (one === undefined) continue;
    owed.set(name, one);
    const hasAnswered = usual !== undefined || sumOf([row], GOOD) > 0 || one.answers > 0;
    if (isTooLong(one, look.atMs, hasAnswered ? (usual ?? 0) : undefined)) {
      found.push({name, requests: one.requests, beganMs: one.fromMs});
    }
  }
  return [{owed, usualMs}, found];
}

function owe(
  known: Owed | undefined,
  {came, servers, before, look: {atMs}}: {came: number; servers: readonly Row[]; before: Rows; look: Rows},
): Owed | undefined {
  const [answers, given] = [sumOf(servers, ANY), sumOf(servers, ['stot'])];
  const isGiven = sumOf(servers, ['scur']) > 0;
  if (known === undefined || answers > known.answers) {
    const fromMs = atMs - before.atMs <= CLOSE_LOOKS_MS ? before.atMs : atMs;
    return came === 0 ? undefined : {fromMs, requests: came, looks: 1, lastMs: atMs, answers, given, isGiven};
  }
  const owed = {...known, isGiven: known.isGiven || isGiven || given > known.given};
  if (came === 0) return atMs - known.lastMs > FORGOTTEN_MS ? undefined : owed;
  return {...owed, requests: known.requests + came, looks: known.looks + 1, lastMs: atMs};
}

/** `usualMs`: undefined when nobody has seen it answer. */
function isTooLong({fromMs, requests, looks, isGiven}: Owed, atMs: number, usualMs: number | undefined): boolean {
  const [least, patienceMs] =
    usualMs === undefined
      ? [NEW_MIN_REQUESTS, NEW_PATIENCE_MS]
      : [MIN_REQUESTS, Math.max(PATIENCE_MS, USUAL_TIMES * usualMs)];
  return isGiven && requests >= least && looks >= MIN_LOOKS && atMs - fromMs >= patienceMs;
}

/** How long an answer of a backend takes, of late: another process counts anew, so the longer one stays for a while. */
function usualOf(row: Row, isAnswering: boolean, known: number | undefined, look: ServersLook): number | undefined {
  if (!isAnswering) return known;
  const samples = sumOf([row], ANY);
  const factor = look.averagesFromZero ? Math.max(1, SAMPLES / Math.max(1, samples)) : 1;
  const saidMs = (Number(row.rtime) || 0) * factor;
  return known === undefined ? saidMs : Math.max(saidMs, known * FADES);
}
