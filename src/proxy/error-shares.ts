import type {Look, Row} from './answers.ts';
import {type MeantErrors, NONE_MEANT} from './meant-errors.ts';

/** When answers of class 5xx, or connections that fail, are a trouble: more per cent than `percent` within `windowMs`. 0: never. */
export interface ErrorBound {
  readonly percent: number;
  readonly windowMs: number;
}

/**
 * What failed of what: a frontend's or a backend's answers were of class 5xx; clients gave up on a backend before it
 * answered; its servers cut answers off half-way; or, where HAProxy speaks no HTTP, its connections to them failed.
 */
type Of = 'frontend' | 'backend' | 'given-up' | 'cut' | 'connections';

/** What one of them did between two looks. */
export interface Counted {
  readonly fromMs: number;
  readonly atMs: number;
  readonly of: Of;
  readonly name: string;
  readonly requests: number;
  readonly errors: number;
}

/** Too large a share of errors, of so many requests or connections. */
export interface ErrorShare {
  readonly of: Of;
  readonly name: string;
  readonly percent: number;
  readonly requests: number;
  readonly beganMs: number;
  /** Of a frontend: the backends whose own share is too large, and that are told of with it. */
  readonly backends?: readonly string[];
}

/** A share of fewer says nothing. */
const MIN_REQUESTS = 10;

/** Unless all of them failed, at least so many, over half of the time or more. */
const MIN_ALL_FAILED = 3;

/** A pod that ends cuts off all its streams at once: servers that fail do so again and again. Looks are so far apart. */
const LOOK_MS = 2000;

const ANSWERS = ['hrsp_1xx', 'hrsp_2xx', 'hrsp_3xx', 'hrsp_4xx', 'hrsp_5xx', 'hrsp_other'];

/** Clients give up on much that is slow by nature: that is an outage where hardly anything else is answered. */
const MIN_GIVEN_UP_PERCENT = 90;

/** What the row of a frontend or a backend counts: the fields of its requests, and of its errors. */
function fieldsOf(row: Row): {
  readonly of: Of;
  readonly requests: readonly string[];
  readonly errors: readonly string[];
} {
  if (row.type === '0') return {of: 'frontend', requests: ['req_tot'], errors: ['hrsp_5xx']};
  // Without HTTP nothing is said of answers.
  return row.hrsp_5xx ? {of: 'backend', requests: ANSWERS, errors: ['hrsp_5xx']} : TCP;
}

const TCP = {of: 'connections', requests: ['stot'], errors: ['econ']} as const;

const keyOf = ({type, pxname}: Row): string => `${type} ${pxname}`;

/** What each frontend and backend did between two looks at their rows. Pure. */
export function countErrors(before: Look, {atMs, rows}: Look): Counted[] {
  const earlier = new Map(before.rows.map(row => [keyOf(row), row] as const));
  return rows.flatMap(row => {
    const was = earlier.get(keyOf(row));
    const grown = (fields: readonly string[]) =>
      fields.reduce((sum, field) => sum + Math.max(0, (Number(row[field]) || 0) - (Number(was?.[field]) || 0)), 0);
    const {of, ...fields} = fieldsOf(row);
    // Servers may end by a reset what went well: not where none of them has said anything.
    const isMute = of === 'connections' && grown(['bout']) === 0;
    const [requests, errors] = [grown(fields.requests), grown(fields.errors) + (isMute ? grown(['eresp']) : 0)];
    if (requests + errors === 0) return [];
    const counted = {fromMs: before.atMs, atMs, of, name: row.pxname ?? '', requests, errors};
    if (of !== 'backend') return [counted];
    // What a client gave up on before any answer is counted as 4xx; a download that is broken off has its 2xx.
    const givenUp = Math.min(grown(['cli_abrt']), grown(['hrsp_4xx']));
    // One of the two alone is a time limit, or (1.7) an answer that has to end with its connection; 101 has no end of its own.
    const cut = Math.max(0, Math.min(grown(['srv_abrt']), grown(['eresp'])) - grown(['hrsp_1xx']));
    return [counted, {...counted, of: 'given-up', errors: givenUp}, {...counted, of: 'cut', errors: cut}];
  });
}

interface Found {
  readonly share: ErrorShare;
  readonly errors: number;
}

/** The shares above the bound; what a backend answered is told once, in its own words only where no frontend's tell it. */
export function findErrorShares(
  counted: readonly Counted[],
  bound: ErrorBound,
  meant: MeantErrors = NONE_MEANT,
): ErrorShare[] {
  const {windowMs} = bound;
  const found = [...Map.groupBy(leaveOutMeant(counted, meant), ({of, name}) => `${of} ${name}`).values()].flatMap(
    entries => {
      const {requests, errors, percent} = shareOf(entries);
      const [first, last] = [entries[0], entries.at(-1)];
      const most = first?.of === 'given-up' ? Math.max(bound.percent, MIN_GIVEN_UP_PERCENT) : bound.percent;
      if (first === undefined || last === undefined || percent <= most) return [];
      const haveAllFailed = percent === 100 && requests >= MIN_ALL_FAILED && last.atMs - first.fromMs >= windowMs / 2;
      if (requests < MIN_REQUESTS && !haveAllFailed) return [];
      if (first.of === 'cut' && !goesOn(entries, windowMs)) return [];
      const {of, name} = first;
      // Where they were too many at once: of what came from then on, they are too many as well.
      const {fromMs: beganMs} = entries.find(entry => shareOf([entry]).percent > most) ?? first;
      const share = {of, name, percent: Math.round(percent), requests, beganMs};
      return [{share, errors}];
    },
  );
  const frontends = found.filter(({share}) => share.of === 'frontend');
  const covers = (front: Found, {share, errors}: Found): boolean =>
    share.of === 'backend' && (front.share.name === share.name || front.errors >= errors);
  return found.flatMap(one => {
    if (frontends.some(front => covers(front, one))) return [];
    const covered = one.share.of === 'frontend' ? found.filter(other => covers(one, other)) : [];
    const backends = covered.map(({share}) => share.name).filter(name => name !== one.share.name);
    return [backends.length === 0 ? one.share : {...one.share, backends}];
  });
}

/** Whether errors came at half of the looks or more. */
const goesOn = (entries: readonly Counted[], windowMs: number): boolean =>
  entries.filter(({errors}) => errors > 0).length >= windowMs / LOOK_MS / 2;

/** Frontends without what backends answered for them whose errors are meant. */
function leaveOutMeant(counted: readonly Counted[], {of: names, leadsTo}: MeantErrors): readonly Counted[] {
  if (names.size === 0) return counted;
  const meant = counted.filter(({of, name}) => of === 'backend' && names.has(name));
  return counted.flatMap(one => {
    if (one.of !== 'given-up' && one.of !== 'connections' && names.has(one.name)) return [];
    if (one.of !== 'frontend') return [one];
    const theirs = meant.filter(({atMs, name}) => atMs === one.atMs && leadsTo(one.name, name));
    const sum = theirs.reduce((total, {errors}) => total + errors, 0);
    const left = (count: number) => Math.max(0, count - sum);
    return [{...one, requests: left(one.requests), errors: left(one.errors)}];
  });
}

function shareOf(entries: readonly Counted[]): {
  readonly requests: number;
  readonly errors: number;
  readonly percent: number;
} {
  const sum = (field: 'requests' | 'errors') => entries.reduce((total, entry) => total + entry[field], 0);
  const errors = sum('errors');
  // What waits for its time to be up is answered long after it was asked.
  const requests = Math.max(errors, sum('requests'));
  return {requests, errors, percent: (100 * errors) / requests};
}
