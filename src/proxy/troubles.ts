import type {Row} from './answers.ts';

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
  /** So many per cent of its answers were of class 5xx. */
  | {readonly is: 'errors'; readonly name: string; readonly percent: number; readonly requests: number};

/** Since when (monotonic); null where it may have begun before anybody looked. */
export type DatedTrouble = Trouble & {readonly beganMs: number | null};

/** When a listener's answers of class 5xx are a trouble: more per cent than `percent` within `windowMs`. 0: never. */
export interface ErrorBound {
  readonly percent: number;
  readonly windowMs: number;
}

/** One look at HAProxy: `show stat` of frontends and backends, and of `show info` the connections and their limit. */
export interface TroubleLook {
  readonly atMs: number;
  /** Counters go on over reloads: earlier processes' are in them. */
  readonly rows: readonly Row[];
  readonly connections: number;
  readonly limit: number;
}

interface Counted {
  /** Of the look before, and of this one. */
  readonly fromMs: number;
  readonly atMs: number;
  readonly name: string;
  readonly requests: number;
  readonly errors: number;
}

/** What is remembered of the looks before. */
export interface TroubleHistory {
  readonly look: TroubleLook | undefined;
  /** Of each trouble that is there, by what and name: when it was seen first, and when it began. */
  readonly seen: ReadonlyMap<string, {readonly firstMs: number; readonly beganMs: number | null}>;
  readonly counted: readonly Counted[];
  /** Since when looks have succeeded. */
  readonly firstMs: number | undefined;
}

export const newTroubleHistory: TroubleHistory = {
  look: undefined,
  seen: new Map(),
  counted: [],
  firstMs: undefined,
};

/** A limit that is touched for a moment harms nobody. */
const LASTS_MS: Readonly<Record<Trouble['is'], number>> = {
  down: 0,
  queue: 10_000,
  full: 4000,
  'full-process': 4000,
  errors: 0,
};

/** What was not there at a look so long ago began since. */
const CLOSE_LOOKS_MS = 6000;

/** A share of fewer says nothing. */
const MIN_REQUESTS = 10;

const numberIn = (row: Row | undefined, field: string): number => Number(row?.[field]) || 0;

const keyOf = (trouble: Trouble): string => `${trouble.is} ${'name' in trouble ? trouble.name : ''}`;

/** Takes a look in. Pure: the history with it, and the troubles that there are now. */
export function noteLook(
  history: TroubleHistory,
  look: TroubleLook,
  bound: ErrorBound,
): readonly [TroubleHistory, readonly DatedTrouble[]] {
  const firstMs = history.firstMs ?? look.atMs;
  const counted = [
    ...history.counted.filter(({atMs}) => atMs > look.atMs - bound.windowMs),
    ...(bound.percent === 0 ? [] : countErrors(history.look, look)),
  ];
  const isWhole = look.atMs - firstMs >= bound.windowMs;
  const beganMs = look.atMs - (history.look?.atMs ?? Number.NEGATIVE_INFINITY) <= CLOSE_LOOKS_MS ? look.atMs : null;
  const found = [...findLimits(look, beganMs), ...(isWhole ? findErrors(counted, bound) : [])];
  const seen = new Map(
    found.map(one => [keyOf(one), history.seen.get(keyOf(one)) ?? {firstMs: look.atMs, beganMs: one.beganMs}] as const),
  );
  const troubles = found.flatMap((one): DatedTrouble[] => {
    const known = seen.get(keyOf(one)) ?? {firstMs: look.atMs, beganMs: null};
    return look.atMs - known.firstMs >= LASTS_MS[one.is] ? [{...one, beganMs: known.beganMs}] : [];
  });
  return [{look, seen, counted, firstMs}, troubles];
}

function findLimits({atMs, rows, connections, limit}: TroubleLook, beganMs: number | null): DatedTrouble[] {
  const full: DatedTrouble[] = limit > 0 && connections >= limit ? [{is: 'full-process', limit, beganMs}] : [];
  const ofRows = rows.flatMap((row): DatedTrouble[] => {
    const name = row.pxname ?? '';
    if (row.type === '0') {
      const most = numberIn(row, 'slim');
      return most > 0 && numberIn(row, 'scur') >= most ? [{is: 'full', name, limit: most, beganMs}] : [];
    }
    if (row.type !== '1') return [];
    // HAProxy says itself for how many seconds a backend has been as it is.
    if (row.status === 'DOWN')
      return [{is: 'down', name, beganMs: row.lastchg ? atMs - 1000 * Number(row.lastchg) : beganMs}];
    const waiting = numberIn(row, 'qcur');
    return waiting > 0 ? [{is: 'queue', name, waiting, beganMs}] : [];
  });
  return [...full, ...ofRows];
}

/** What each HTTP listener answered since the look before. */
function countErrors(before: TroubleLook | undefined, {atMs, rows}: TroubleLook): Counted[] {
  if (before === undefined) return [];
  const isFrontend = ({type}: Row) => type === '0';
  const earlier = new Map(before.rows.filter(isFrontend).map(row => [row.pxname, row] as const));
  return rows.filter(isFrontend).flatMap(row => {
    const grown = (field: string) => Math.max(0, numberIn(row, field) - numberIn(earlier.get(row.pxname), field));
    const [requests, errors] = [grown('req_tot'), grown('hrsp_5xx')];
    return requests + errors === 0 ? [] : [{fromMs: before.atMs, atMs, name: row.pxname ?? '', requests, errors}];
  });
}

function findErrors(counted: readonly Counted[], {percent: most}: ErrorBound): DatedTrouble[] {
  return [...Map.groupBy(counted, ({name}) => name)].flatMap(([name, entries]): DatedTrouble[] => {
    const {requests, percent} = shareOf(entries);
    if (requests < MIN_REQUESTS || percent <= most) return [];
    return [{is: 'errors', name, percent: Math.round(percent), requests, beganMs: beginningOf(entries, most)}];
  });
}

function shareOf(entries: readonly Counted[]): {readonly requests: number; readonly percent: number} {
  const sum = (field: 'requests' | 'errors') => entries.reduce((total, entry) => total + entry[field], 0);
  const errors = sum('errors');
  // What waits for its time to be up is answered long after it was asked.
  const requests = Math.max(errors, sum('requests'));
  return {requests, percent: (100 * errors) / requests};
}

/** Where too many errors came at once, and there were too many from then on. */
function beginningOf(entries: readonly Counted[], most: number): number | null {
  const first = entries.findIndex(
    (entry, index) => shareOf([entry]).percent > most && shareOf(entries.slice(index)).percent > most,
  );
  return entries[first]?.fromMs ?? null;
}
