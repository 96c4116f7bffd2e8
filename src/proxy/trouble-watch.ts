import type {Clock} from '../ports/clock.ts';
import type {Row} from './answers.ts';
import type {ErrorBound} from './error-shares.ts';
import {findRestless} from './hanging-servers.ts';
import type {MeantErrors} from './meant-errors.ts';
import {
  isByHandPerhaps,
  newTroubleHistory,
  noteLook,
  type Trouble,
  type TroubleHistory,
  type TroubleLook,
} from './troubles.ts';
import {findSuspects} from './unanswered.ts';

/** When it began (epoch ms); null where it may have begun before anybody looked. */
export type TroubleNow = Trouble & {readonly beganAt: number | null};

/** What HAProxy answered at a look. */
export interface LookAnswers {
  readonly info: ReadonlyMap<string, string>;
  /** Frontends and backends: their number does not grow with the pods. */
  readonly rows: readonly Row[];
  /** The servers of those that were `suspects`. */
  readonly servers: readonly Row[];
}

/** What HAProxy's counters say is wrong, as of the last look. */
export interface TroubleWatch {
  /** Undefined until HAProxy has answered once. */
  readonly troubles: readonly TroubleNow[] | undefined;
  /** This HAProxy had a trouble, now or before, that somebody may have told it over its socket. */
  readonly isByHandPerhaps: boolean;
  /** The backends (their rows) whose servers have to be looked at, too: some of them, where they are many. */
  suspects(rows: readonly Row[]): readonly Row[];
  /** Undefined when HAProxy did not answer: what was known of it stays, for nobody knows otherwise. */
  note(answers: LookAnswers | undefined): void;
}

export interface TroubleWatchPorts {
  readonly clock: Pick<Clock, 'nowMs' | 'epochMs'>;
  readonly bound: ErrorBound;
  /** The backends of which is known from before that they had servers. */
  readonly peopled: ReadonlySet<string>;
  /** Which errors are meant, by the text that serves. */
  readonly meant: () => MeantErrors;
  /** Frontends and backends of which nothing is a trouble. */
  readonly notJudged: ReadonlySet<string>;
}

/** Of so many backends, the servers are looked at in one look. */
const MAX_SUSPECTS = 20;

export function createTroubleWatch({clock, bound, peopled, meant, notJudged}: TroubleWatchPorts): TroubleWatch {
  let history: TroubleHistory = {...newTroubleHistory, peopled};
  let troubles: readonly TroubleNow[] | undefined;
  let pid: string | undefined;
  let suspected: string | undefined;
  const isJudged = (name: string | undefined): boolean => name === undefined || !notJudged.has(name);
  return {
    get troubles() {
      return troubles;
    },
    get isByHandPerhaps() {
      return suspected !== undefined && suspected === pid;
    },
    suspects(rows) {
      if (bound.percent === 0) return [];
      const silent = findSuspects(history.unanswered, history.look, rows);
      const restless = findRestless(history.hanging, {atMs: clock.nowMs(), rows});
      return [...new Set([...silent, ...restless])].filter(({pxname}) => isJudged(pxname)).slice(0, MAX_SUSPECTS);
    },
    note(answers) {
      if (answers === undefined) return;
      const {info, rows, servers} = answers;
      const said = (name: string): number => Number(info.get(name)) || 0;
      const look: TroubleLook = {
        atMs: clock.nowMs(),
        process: info.get('Pid'),
        rows,
        servers,
        averagesFromZero: /^(1|2\.[0-3])\./.test(info.get('Version') ?? ''),
        connections: said('CurrConns'),
        limit: said('Maxconn'),
        rates: [
          {of: 'connections', rate: said('ConnRate'), limit: said('ConnRateLimit')},
          {of: 'sessions', rate: said('SessRate'), limit: said('SessRateLimit')},
          {of: 'TLS sessions', rate: said('SslRate'), limit: said('SslRateLimit')},
        ],
      };
      const [next, dated] = noteLook(history, look, bound, meant);
      history = next;
      pid = info.get('Pid');
      if (dated.some(isByHandPerhaps)) suspected = pid;
      const judged = dated.filter(trouble => isJudged('name' in trouble ? trouble.name : undefined));
      troubles = judged.map(({beganMs, ...trouble}) => ({
        ...trouble,
        beganAt: beganMs === null ? null : Math.round(clock.epochMs() - (look.atMs - beganMs)),
      }));
    },
  };
}
