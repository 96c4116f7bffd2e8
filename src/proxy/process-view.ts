import {parseInfo, type Row} from './answers.ts';
import {type Deviation, deviationOf} from './deviation.ts';
import type {ListView} from './pattern-lists.ts';

/** What a HAProxy tells of itself, beside its servers, that somebody may change over its runtime socket. */
export interface ProcessView {
  readonly frontends: ReadonlyMap<string, FrontendView>;
  /** Backends that get no requests (3.4). */
  readonly unpublished: ReadonlySet<string>;
  /** By their names in `show info`. */
  readonly limits: ReadonlyMap<string, string>;
  /** By `acl #0`, `map /etc/hosts.map`. */
  readonly lists: ReadonlyMap<string, ListView>;
}

interface FrontendView {
  readonly isOpen: boolean;
  readonly maxconn: string;
}

/** The limits that `set maxconn global` and `set rate-limit` change (management.txt 9.3). */
const LIMITS = ['Maxconn', 'ConnRateLimit', 'SessRateLimit', 'SslRateLimit', 'CompressBpsRateLim'];

/** Answers of HAProxy: rows of `show stat` for frontends and backends, `show info`; and its lists. */
export interface ProcessAnswers {
  readonly proxies: readonly Row[];
  readonly info: string;
  readonly lists: ReadonlyMap<string, ListView>;
}

export function readProcessView({proxies, info, lists}: ProcessAnswers): ProcessView {
  const values = parseInfo(info);
  return {
    frontends: new Map(
      proxies
        .filter(({svname}) => svname === 'FRONTEND')
        .map(({pxname = '', status = '', slim = ''}) => [pxname, {isOpen: !CLOSED.has(status), maxconn: slim}]),
    ),
    unpublished: new Set(
      proxies.flatMap(({svname, pxname = '', status = ''}) =>
        svname === 'BACKEND' && status.endsWith('(UNPUB)') ? [pxname] : [],
      ),
    ),
    limits: new Map(LIMITS.flatMap(name => (values.has(name) ? [[name, values.get(name) ?? '']] : []))),
    lists,
  };
}

/** After `disable frontend` and `shutdown frontend`. */
const CLOSED = new Set(['STOP', 'PAUSED']);

/** What of a HAProxy is not as it was at its start. */
export function compareViews(was: ProcessView, is: ProcessView): Deviation[] {
  const deviations: Deviation[] = [];
  const compare = (subject: string, what: Deviation['what'], expected: string, found: string | undefined) => {
    if (found !== undefined && found !== expected) deviations.push(deviationOf(subject, what, expected, found));
  };
  for (const [name, {isOpen, maxconn}] of was.frontends) {
    const now = is.frontends.get(name);
    if (now === undefined) continue;
    const subject = `frontend ${name}`;
    // Nothing opens one again that its text, or a shutdown, closed.
    if (isOpen && !now.isOpen) compare(subject, 'state', 'open', 'stopped');
    compare(subject, 'maxconn', maxconn, now.maxconn);
  }
  for (const [name, value] of was.limits) compare(`HAProxy's ${name}`, 'limit', value, is.limits.get(name));
  for (const name of is.unpublished) {
    if (!was.unpublished.has(name)) compare(`backend ${name}`, 'state', 'published', 'unpublished');
  }
  for (const [name, list] of was.lists) {
    const now = is.lists.get(name);
    if (now !== undefined) compare(name, 'entries', describeList(list), describeList(now, list));
  }
  return deviations;
}

/** Of one that has as many entries as it started with, whether they are others. */
function describeList({count, version, digest}: ListView, was?: ListView): string {
  const isOther = was?.digest !== undefined && was.count === count && was.version === version && was.digest !== digest;
  if (isOther) return 'other entries or values';
  return `${count === undefined ? '' : `${count} `}entries${version === '0' ? '' : `, in version ${version}`}`;
}
