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
  readonly atMs: number;
  readonly name: string;
  readonly requests: number;
  readonly errors: number;
}

/** What is remembered of the looks before. */
export interface TroubleHistory {
  readonly look: TroubleLook | undefined;
  /** Since when each of the troubles that may pass has been there, by what and name. */
  readonly sinceMs: ReadonlyMap<string, number>;
  readonly counted: readonly Counted[];
  /** Since when looks have succeeded. */
  readonly firstMs: number | undefined;
}

export const newTroubleHistory: TroubleHistory = {
  look: undefined,
  sinceMs: new Map(),
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

/** A share of fewer says nothing. */
const MIN_REQUESTS = 10;

const numberIn = (row: Row | undefined, field: string): number => Number(row?.[field]) || 0;

const keyOf = (trouble: Trouble): string => `${trouble.is} ${'name' in trouble ? trouble.name : ''}`;

/** Takes a look in. Pure: the history with it, and the troubles that there are now. */
export function noteLook(
  history: TroubleHistory,
  look: TroubleLook,
  bound: ErrorBound,
): readonly [TroubleHistory, readonly Trouble[]] {
  const firstMs = history.firstMs ?? look.atMs;
  const counted = [
    ...history.counted.filter(({atMs}) => atMs > look.atMs - bound.windowMs),
    ...(bound.percent === 0 ? [] : countErrors(history.look, look)),
  ];
  const isWhole = look.atMs - firstMs >= bound.windowMs;
  const seen = [...findLimits(look), ...(isWhole ? findErrors(counted, bound) : [])];
  const sinceMs = new Map(
    seen.map(trouble => [keyOf(trouble), history.sinceMs.get(keyOf(trouble)) ?? look.atMs] as const),
  );
  const troubles = seen.filter(one => look.atMs - (sinceMs.get(keyOf(one)) ?? look.atMs) >= LASTS_MS[one.is]);
  return [{look, sinceMs, counted, firstMs}, troubles];
}

function findLimits({rows, connections, limit}: TroubleLook): Trouble[] {
  const full: Trouble[] = limit > 0 && connections >= limit ? [{is: 'full-process', limit}] : [];
  const ofRows = rows.flatMap((row): Trouble[] => {
    const name = row.pxname ?? '';
    if (row.type === '0') {
      const most = numberIn(row, 'slim');
      return most > 0 && numberIn(row, 'scur') >= most ? [{is: 'full', name, limit: most}] : [];
    }
    if (row.type !== '1') return [];
    if (row.status === 'DOWN') return [{is: 'down', name}];
    const waiting = numberIn(row, 'qcur');
    return waiting > 0 ? [{is: 'queue', name, waiting}] : [];
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
    return requests + errors === 0 ? [] : [{atMs, name: row.pxname ?? '', requests, errors}];
  });
}

function findErrors(counted: readonly Counted[], {percent: most}: ErrorBound): Trouble[] {
  const sum = (entries: readonly Counted[], field: 'requests' | 'errors') =>
    entries.reduce((total, entry) => total + entry[field], 0);
  return [...Map.groupBy(counted, ({name}) => name)].flatMap(([name, entries]): Trouble[] => {
    const errors = sum(entries, 'errors');
    // What waits for its time to be up is answered long after it was asked.
    const requests = Math.max(errors, sum(entries, 'requests'));
    const percent = (100 * errors) / requests;
    if (requests < MIN_REQUESTS || percent <= most) return [];
    return [{is: 'errors', name, percent: Math.round(percent), requests}];
  });
}
