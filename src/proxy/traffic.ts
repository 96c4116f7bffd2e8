import type {Row} from './answers.ts';

/** Rates of one proxy between two looks, and what it holds now. Bytes and requests are per second. */
export interface ProxyTraffic {
  readonly name: string;
  readonly kind: 'frontend' | 'backend';
  /** In HAProxy's words; `unknown` while it does not answer, when the rest is what was seen last. */
  readonly status: string;
  readonly sessions: number;
  readonly queue: number;
  readonly requestsPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** Responses of class 5xx, per second. */
  readonly serverErrorsPerSecond: number;
  readonly clientErrorsPerSecond: number;
  /** Failed connections and responses of servers, per second. */
  readonly failuresPerSecond: number;
  /** Mean of the last 1,024 requests, as HAProxy tells it of an HTTP backend; null where it does not. */
  readonly responseTimeMs: number | null;
  /** Usable servers of a backend; 0 for a frontend. */
  readonly servers: number;
}

/** One look at HAProxy. The totals count frontends once. */
export interface TrafficSample {
  /** Epoch ms. */
  readonly at: number;
  readonly requestsPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly clientErrorsPerSecond: number;
  readonly serverErrorsPerSecond: number;
  readonly failuresPerSecond: number;
  readonly sessions: number;
  /** Over all backends, by their requests; null when none had any. */
  readonly responseTimeMs: number | null;
}

/** Counters as they stood at one look, of all HAProxys so far. */
export interface TrafficReading {
  readonly atMs: number;
  readonly deaths: number;
  readonly rows: readonly Row[];
}

const KINDS: Readonly<Record<string, ProxyTraffic['kind']>> = {'0': 'frontend', '1': 'backend'};

const numberIn = (row: Row | undefined, field: string): number => Number(row?.[field]) || 0;

const keyOf = ({pxname, type}: Row): string => `${type} ${pxname}`;

/** What each proxy did between two readings. */
export function deriveProxies(before: TrafficReading, now: TrafficReading): ProxyTraffic[] {
  const earlier = new Map(before.rows.map(row => [keyOf(row), row]));
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1000);
  return now.rows.flatMap(row => {
    const kind = KINDS[row.type ?? ''];
    if (kind === undefined) return [];
    const previous = earlier.get(keyOf(row));
    const perSecond = (...fields: string[]): number => {
      const grown = fields.reduce((sum, field) => sum + numberIn(row, field) - numberIn(previous, field), 0);
      return Math.round((Math.max(0, grown) / seconds) * 100) / 100;
    };
    const isHttp = (row.req_tot ?? '') !== '';
    return [
      {
        name: row.pxname ?? '',
        kind,
        status: row.status ?? '',
        sessions: numberIn(row, 'scur'),
        queue: numberIn(row, 'qcur'),
        requestsPerSecond: perSecond(isHttp && kind === 'frontend' ? 'req_tot' : 'stot'),
        bytesInPerSecond: perSecond('bin'),
        bytesOutPerSecond: perSecond('bout'),
        serverErrorsPerSecond: perSecond('hrsp_5xx'),
        clientErrorsPerSecond: perSecond('hrsp_4xx'),
        failuresPerSecond: perSecond('econ', 'eresp'),
        responseTimeMs: kind === 'backend' && (isHttp || row.mode === 'http') ? numberIn(row, 'rtime') : null,
        servers: numberIn(row, 'act') + numberIn(row, 'bck'),
      },
    ];
  });
}

/** The sum over all proxies: client side from the frontends, failures of servers from the backends. */
export function deriveSample(proxies: readonly ProxyTraffic[], at: number): TrafficSample {
  const sum = (
    kind: ProxyTraffic['kind'],
    field: Exclude<keyof ProxyTraffic, 'name' | 'kind' | 'status' | 'servers' | 'responseTimeMs'>,
  ) => proxies.reduce((total, proxy) => total + (proxy.kind === kind ? proxy[field] : 0), 0);
  return {
    at,
    requestsPerSecond: sum('frontend', 'requestsPerSecond'),
    bytesInPerSecond: sum('frontend', 'bytesInPerSecond'),
    bytesOutPerSecond: sum('frontend', 'bytesOutPerSecond'),
    clientErrorsPerSecond: sum('frontend', 'clientErrorsPerSecond'),
    serverErrorsPerSecond: sum('frontend', 'serverErrorsPerSecond'),
    failuresPerSecond: sum('backend', 'failuresPerSecond'),
    sessions: sum('frontend', 'sessions'),
    responseTimeMs: deriveResponseTime(proxies),
  };
}

/** Of each backend HAProxy tells a mean: busy ones weigh more. */
function deriveResponseTime(proxies: readonly ProxyTraffic[]): number | null {
  const told = proxies.flatMap(({responseTimeMs, requestsPerSecond}) =>
    responseTimeMs === null || requestsPerSecond === 0 ? [] : [{responseTimeMs, requestsPerSecond}],
  );
  const requests = told.reduce((sum, {requestsPerSecond}) => sum + requestsPerSecond, 0);
  if (requests === 0) return null;
  const total = told.reduce((sum, one) => sum + one.responseTimeMs * one.requestsPerSecond, 0);
  return Math.round(total / requests);
}
