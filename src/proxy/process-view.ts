import {parseInfo, type Row} from './answers.ts';
import {type Deviation, deviationOf} from './deviation.ts';
import {parseFrameLines} from './lines.ts';

/** What a HAProxy tells of itself, beside its servers, that somebody may change over its runtime socket. */
export interface ProcessView {
  readonly frontends: ReadonlyMap<string, FrontendView>;
  /** By their names in `show info`. */
  readonly limits: ReadonlyMap<string, string>;
  /** How many entries each list has, in its generation: by `acl #0`, `map /etc/hosts.map`. */
  readonly lists: ReadonlyMap<string, string>;
}

interface FrontendView {
  readonly isOpen: boolean;
  readonly maxconn: string;
}

/** The limits that `set maxconn global` and `set rate-limit` change (management.txt 9.3). */
const LIMITS = ['Maxconn', 'ConnRateLimit', 'SessRateLimit', 'SslRateLimit', 'CompressBpsRateLim'];

/** Answers of HAProxy: the frontends' rows of `show stat`, `show info`, `show acl` and `show map`. */
export interface ProcessAnswers {
  readonly frontends: readonly Row[];
  readonly info: string;
  readonly acls: string;
  readonly maps: string;
}

export function readProcessView({frontends, info, acls, maps}: ProcessAnswers): ProcessView {
  const values = parseInfo(info);
  return {
    frontends: new Map(
      frontends.map(({pxname = '', status = '', slim = ''}) => [pxname, {isOpen: !CLOSED.has(status), maxconn: slim}]),
    ),
    limits: new Map(LIMITS.flatMap(name => (values.has(name) ? [[name, values.get(name) ?? '']] : []))),
    lists: new Map([...readLists('acl', acls), ...readLists('map', maps)]),
  };
}

/** After `disable frontend` and `shutdown frontend`. */
const CLOSED = new Set(['STOP', 'PAUSED']);

/** `5 (/m.map) pattern loaded … curr_ver=0 next_ver=0 entry_cnt=1`, from 2.4 on. */
const LIST = /^(-?\d+) \((.*?)\) .*\bcurr_ver=(\d+) .*\bentry_cnt=(\d+)/;

function readLists(kind: 'acl' | 'map', answer: string): [string, string][] {
  return answer.split('\n').flatMap((line): [string, string][] => {
    const [, number, file, version, count] = LIST.exec(line) ?? [];
    if (number === undefined) return [];
    const versioned = version === '0' ? '' : `, in version ${version}`;
    return [[`${kind} ${file || `#${number}`}`, `${count} entries${versioned}`]];
  });
}

/** Requests themselves change entries where a rule says so, and a script may. */
const CHANGES_LISTS = /^(?:(?:add|del)-acl|(?:set|add|del)-map)\(/;

/** Whether only operators change the entries of ACLs and maps under this text. */
export function keepsLists(text: string): boolean {
  for (const {words} of parseFrameLines(text)) {
    if (words[0]?.text.startsWith('lua-load') || words.some(word => CHANGES_LISTS.test(word.text))) return false;
  }
  return true;
}

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
  for (const [name, entries] of was.lists) compare(name, 'entries', entries, is.lists.get(name));
  return deviations;
}
