import type {Row} from './answers.ts';
import {type Counted, countErrors, type ErrorBound, type ErrorShare, findErrorShares} from './error-shares.ts';

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
export interface TroubleLook {
  readonly atMs: number;
  /** Counters go on over reloads: earlier processes' are in them. */
  readonly rows: readonly Row[];
  readonly connections: number;
  readonly limit: number;
  readonly rates: readonly ProcessRate[];
}

const BY_HAND: ReadonlySet<Trouble['is']> = new Set(['stopped', 'full', 'full-process', 'rate', 'rate-process']);

/** Somebody may have told HAProxy so over its socket: running its configuration again may mend it. */
export const isByHandPerhaps = ({is}: Trouble): boolean => BY_HAND.has(is);

/** What is remembered of the looks before. */
export interface TroubleHistory {
  readonly look: TroubleLook | undefined;
  /** Of each trouble that is there, by what and name: when it was seen first, and when it began. */
  readonly seen: ReadonlyMap<string, {readonly firstMs: number; readonly beganMs: number | null}>;
  readonly counted: readonly Counted[];
  /** The backends that are there and had servers. */
  readonly peopled: ReadonlySet<string>;
  /** Since when looks have succeeded. */
  readonly firstMs: number | undefined;
}

export const newTroubleHistory: TroubleHistory = {
  look: undefined,
  seen: new Map(),
  counted: [],
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
  errors: 0,
};

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
): readonly [TroubleHistory, readonly DatedTrouble[]] {
  const firstMs = history.firstMs ?? look.atMs;
  const counted = [
    ...history.counted.filter(({atMs}) => atMs > look.atMs - bound.windowMs),
    ...(bound.percent === 0 || history.look === undefined ? [] : countErrors(history.look, look)),
  ];
  const isWhole = look.atMs - firstMs >= bound.windowMs;
  const beganMs = look.atMs - (history.look?.atMs ?? Number.NEGATIVE_INFINITY) <= CLOSE_LOOKS_MS ? look.atMs : null;
  const shares = isWhole ? findErrorShares(counted, bound) : [];
  const found: DatedTrouble[] = [
    ...findInRows(look, history.peopled, beganMs),
    ...shares.map(share => ({is: 'errors', ...share}) as const),
  ];
  const seen = new Map(
    found.map(one => [keyOf(one), history.seen.get(keyOf(one)) ?? {firstMs: look.atMs, beganMs: one.beganMs}] as const),
  );
  const troubles = found.flatMap((one): DatedTrouble[] => {
    const known = seen.get(keyOf(one)) ?? {firstMs: look.atMs, beganMs: null};
    return look.atMs - known.firstMs >= LASTS_MS[one.is] ? [{...one, beganMs: known.beganMs}] : [];
  });
  return [{look, seen, counted, firstMs, peopled: peopledIn(look, history.peopled)}, troubles];
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
