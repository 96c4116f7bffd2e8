import type {Row} from './answers.ts';
import {type Counted, countErrors, type ErrorBound, type ErrorShare, findErrorShares} from './error-shares.ts';
import {type FailedHandshakes, type HandshakeHistory, noteHandshakes} from './handshakes.ts';
import {type HangingHistory, type HangingServers, leaveOutSilent, noteHanging} from './hanging-servers.ts';
import type {MeantErrors} from './meant-errors.ts';
import {
  newUnansweredHistory,
  noteUnanswered,
  type ServersLook,
  type Unanswered,
  type UnansweredHistory,
} from './unanswered.ts';

/** What HAProxy's own counters say is wrong for clients. */
export type Trouble =
  /** It has servers, and none of them is up. */
  | {readonly is: 'down'; readonly name: string}
  /** Requests wait for a server of it. */
  | {readonly is: 'queue'; readonly name: string; readonly waiting: number}
  /** It takes no more connections. */
  | {readonly is: 'full'; readonly name: string; readonly limit: number}
  /** The process takes no more connections. */
  | {readonly is: 'full-process'; readonly limit: number}
  /** So many connections, sessions or TLS sessions a second are as many as the process may take. */
  | ({readonly is: 'rate-process'} & Pick<ProcessRate, 'of' | 'limit'>)
  /** So many sessions a second are as many as it may take. */
  | {readonly is: 'rate'; readonly name: string; readonly limit: number}
  /** A frontend listens no more: somebody told HAProxy so. */
  | {readonly is: 'stopped'; readonly name: string}
  /** A backend that had servers has none. */
  | {readonly is: 'emptied'; readonly name: string}
  /** Requests keep coming in to a backend, and no server of it answers any, or all of them too late. */
  | ({readonly is: 'unanswered'} & Omit<Unanswered, 'beganMs'>)
  /** Some servers of a backend take requests and answer none; others answer. */
  | ({readonly is: 'hanging'} & Omit<HangingServers, 'beganMs'>)
  /** Hardly a TLS handshake of a frontend succeeds any more. */
  | ({readonly is: 'handshakes'} & Omit<FailedHandshakes, 'beganMs'>)
  /** Too many of its answers were of class 5xx, or of its connections failed. */
  | ({readonly is: 'errors'} & Omit<ErrorShare, 'beganMs'>);

/** Since when (monotonic); null where it may have begun before anybody looked. */
export type DatedTrouble = Trouble & {readonly beganMs: number | null};

/** What the process takes each second, and the limit of it; 0: none. */
export interface ProcessRate {
  readonly of: 'connections' | 'sessions' | 'TLS sessions';
  readonly rate: number;
  readonly limit: number;
}

/** One look at HAProxy: `show stat` of frontends and backends, and of `show info` the connections and rates with their limits. */
export interface TroubleLook extends ServersLook {
  readonly connections: number;
  readonly limit: number;
  readonly rates: readonly ProcessRate[];
}

const BY_HAND: ReadonlySet<Trouble['is']> = new Set(['stopped', 'full', 'full-process', 'rate', 'rate-process']);

/** Somebody may have told HAProxy so over its socket: running its configuration again may mend it. */
export const isByHandPerhaps = ({is}: Trouble): boolean => BY_HAND.has(is);

interface SeenTrouble {
  readonly trouble: DatedTrouble;
  readonly firstMs: number;
  readonly lastMs: number;
  /** It has lasted for long enough. */
  readonly isTold: boolean;
}

/** What is remembered of the looks before. */
export interface TroubleHistory {
  readonly look: TroubleLook | undefined;
  /** Each trouble that is there, by what and name. */
  readonly seen: ReadonlyMap<string, SeenTrouble>;
  readonly counted: readonly Counted[];
  readonly unanswered: UnansweredHistory;
  readonly hanging: HangingHistory;
  readonly handshakes: HandshakeHistory;
  /** The backends that are there and had servers. */
  readonly peopled: ReadonlySet<string>;
  /** Since when looks have succeeded. */
  readonly firstMs: number | undefined;
}

export const newTroubleHistory: TroubleHistory = {
  look: undefined,
  seen: new Map(),
  counted: [],
  unanswered: newUnansweredHistory,
  hanging: new Map(),
  handshakes: new Map(),
  peopled: new Set(),
  firstMs: undefined,
};

/** A limit that is touched for a moment harms nobody. */
const LASTS_MS: Readonly<Record<Trouble['is'], number>> = {
  down: 0,
  queue: 10_000,
  full: 4000,
  'full-process': 4000,
  rate: 4000,
  'rate-process': 4000,
  stopped: 4000,
  emptied: 0,
  unanswered: 0,
  hanging: 0,
  handshakes: 0,
  errors: 0,
};

/** Traffic comes in bursts: at one look a limit is reached, at the next it is not. */
const IN_BURSTS: ReadonlySet<Trouble['is']> = new Set(['rate', 'rate-process', 'full', 'full-process']);
const BETWEEN_BURSTS_MS = 5000;
/** What was told once is over when it has not come back for so long. */
const HELD_MS = 10_000;

/** What was not there at a look so long ago began since. */
const CLOSE_LOOKS_MS = 6000;

/** In the words of 1.7, and of those since. */
const STOPPED: ReadonlySet<string> = new Set(['STOP', 'PAUSED']);

/** HAProxy holds the rate a little below its limit: by so much, it is reached. */
const isReached = (rate: number, limit: number): boolean => limit > 0 && rate >= Math.ceil(limit * 0.95);

const numberIn = (row: Row | undefined, field: string): number => Number(row?.[field]) || 0;

const keyOf = (trouble: Trouble): string =>
  `${trouble.is} ${'of' in trouble ? trouble.of : ''} ${'name' in trouble ? trouble.name : ''}`;

/** Takes a look in. Pure: the history with it, and the troubles that there are now. */
export function noteLook(
  history: TroubleHistory,
  look: TroubleLook,
  bound: ErrorBound,
  meant: () => MeantErrors,
): readonly [TroubleHistory, readonly DatedTrouble[]] {
  const firstMs = history.firstMs ?? look.atMs;
  const counted = [
    ...history.counted.filter(({atMs}) => atMs > look.atMs - bound.windowMs),
    ...(bound.percent === 0 || history.look === undefined ? [] : countErrors(history.look, look)),
  ];
  const isWhole = look.atMs - firstMs >= bound.windowMs;
  const beganMs = look.atMs - (history.look?.atMs ?? Number.NEGATIVE_INFINITY) <= CLOSE_LOOKS_MS ? look.atMs : null;
  // Nobody has to read the text while there are hardly any errors.
  const hasErrors = isWhole && findErrorShares(counted, bound).length > 0;
  const shares = hasErrors ? findErrorShares(counted, bound, meant()) : [];
  const isOff = bound.percent === 0 || history.look === undefined;
  const [unanswered, silent] = isOff
    ? [history.unanswered, []]
    : noteUnanswered(history.unanswered, history.look, look);
  const [hanging, hangs] = isOff
    ? [history.hanging, []]
    : noteHanging(history.hanging, history.look, look, unanswered.usualMs);
  const [handshakes, refused] = isOff
    ? [history.handshakes, []]
    : noteHandshakes(history.handshakes, history.look, look, bound.windowMs);
  const partly = leaveOutSilent(hangs, silent);
  const silentNames = new Set([...silent, ...partly].map(({name}) => name));
  const found: DatedTrouble[] = [
    ...findInRows(look, history.peopled, beganMs),
    ...silent.map(one => ({is: 'unanswered', ...one}) as const),
    ...partly.map(one => ({is: 'hanging', ...one}) as const),
    ...refused.map(one => ({is: 'handshakes', ...one}) as const),
    // That its clients gave up says less.
    ...shares
      .filter(({of, name}) => of !== 'given-up' || !silentNames.has(name))
      .map(share => ({is: 'errors', ...share}) as const),
  ];
  const seen = noteSeen(history, look, found);
  const troubles = [...seen.values()].flatMap(({trouble, isTold}) => (isTold ? [trouble] : []));
  return [
    {look, seen, counted, unanswered, hanging, handshakes, firstMs, peopled: peopledIn(look, history.peopled)},
    troubles,
  ];
}

/** A limit that is reached in bursts is one trouble from the first to the last of them. */
function noteSeen(
  {seen, look: before}: TroubleHistory,
  {atMs, process}: TroubleLook,
  found: readonly DatedTrouble[],
): ReadonlyMap<string, SeenTrouble> {
  const isHeld = ({trouble, lastMs, isTold}: SeenTrouble): boolean =>
    before?.process === process && IN_BURSTS.has(trouble.is) && atMs - lastMs < (isTold ? HELD_MS : BETWEEN_BURSTS_MS);
  const now = new Map([...seen].filter(([, known]) => isHeld(known)));
  for (const trouble of found) {
    const key = keyOf(trouble);
    const known = seen.get(key);
    const goesOn = known !== undefined && (known.lastMs === before?.atMs || isHeld(known));
    const {firstMs, isTold, beganMs} = goesOn
      ? {...known, beganMs: known.trouble.beganMs}
      : {firstMs: atMs, isTold: false, beganMs: trouble.beganMs};
    now.set(key, {
      trouble: {...trouble, beganMs},
      firstMs,
      lastMs: atMs,
      isTold: isTold || atMs - firstMs >= LASTS_MS[trouble.is],
    });
  }
  return now;
}

/** Servers of a backend that can be used; HAProxy says that one without any servers is up. */
const usable = (row: Row): number => numberIn(row, 'act') + numberIn(row, 'bck');

const peopledIn = ({rows}: TroubleLook, before: ReadonlySet<string>): ReadonlySet<string> =>
  new Set(
    rows.flatMap(row => {
      const name = row.pxname ?? '';
      return row.type === '1' && (usable(row) > 0 || row.status === 'DOWN' || before.has(name)) ? [name] : [];
    }),
  );

function findInRows(
  {atMs, rows, connections, limit, rates}: TroubleLook,
  peopled: ReadonlySet<string>,
  beganMs: number | null,
): DatedTrouble[] {
  const full: DatedTrouble[] = limit > 0 && connections >= limit ? [{is: 'full-process', limit, beganMs}] : [];
  const held = rates.find(one => isReached(one.rate, one.limit));
  const slowed: DatedTrouble[] = held ? [{is: 'rate-process', of: held.of, limit: held.limit, beganMs}] : [];
  const ofRows = rows.flatMap((row): DatedTrouble[] => {
    const name = row.pxname ?? '';
    if (row.type === '0') {
      if (STOPPED.has(row.status ?? '')) return [{is: 'stopped', name, beganMs}];
      const [most, fastest] = [numberIn(row, 'slim'), numberIn(row, 'rate_lim')];
      if (most > 0 && numberIn(row, 'scur') >= most) return [{is: 'full', name, limit: most, beganMs}];
      return isReached(numberIn(row, 'rate'), fastest) ? [{is: 'rate', name, limit: fastest, beganMs}] : [];
    }
    if (row.type !== '1') return [];
    // HAProxy says itself for how many seconds a backend has been as it is.
    if (row.status === 'DOWN') {
      return [{is: 'down', name, beganMs: row.lastchg ? atMs - 1000 * Number(row.lastchg) : beganMs}];
    }
    if (usable(row) === 0 && peopled.has(name)) return [{is: 'emptied', name, beganMs}];
    const waiting = numberIn(row, 'qcur');
    return waiting > 0 ? [{is: 'queue', name, waiting, beganMs}] : [];
  });
  return [...full, ...slowed, ...ofRows];
}
