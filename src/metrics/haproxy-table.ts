/** Which rows of `show stat` a metric is read from. */
export type Scope = 'frontend' | 'backend' | 'server';

/**
 * How a field of `show stat` (management.txt 9.1) is exported. Names, types and help follow prometheus/haproxy_exporter
 * 0.15, so that dashboards and alerts made for it work unchanged.
 */
export interface HaproxyMetric {
  readonly field: string;
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly scopes: readonly Scope[];
  /** `milliseconds` become seconds; `status` becomes 1 or 0. */
  readonly reads?: 'milliseconds' | 'status';
  /** The HTTP status class of `http_responses_total`. */
  readonly code?: string;
}

const ALL: readonly Scope[] = ['frontend', 'backend', 'server'];
const CLIENT_SIDE: readonly Scope[] = ['frontend', 'backend'];
const SERVER_SIDE: readonly Scope[] = ['backend', 'server'];
const FRONTEND: readonly Scope[] = ['frontend'];

type Rest = Pick<HaproxyMetric, 'reads' | 'code'>;

const gauge = (
  field: string,
  name: string,
  scopes: readonly Scope[],
  help: string,
  rest: Rest = {},
): HaproxyMetric => ({
  field,
  name,
  type: 'gauge',
  help,
  scopes,
  ...rest,
});

const counter = (
  field: string,
  name: string,
  scopes: readonly Scope[],
  help: string,
  rest: Rest = {},
): HaproxyMetric => ({
  ...gauge(field, name, scopes, help, rest),
  type: 'counter',
});

const average = (field: string, what: string): HaproxyMetric =>
  gauge(field, `http_${what}_time_average_seconds`, SERVER_SIDE, `Average ${what} time of the last 1024 connections.`, {
    reads: 'milliseconds',
  });

const responses = (code: string): HaproxyMetric =>
  counter(`hrsp_${code}`, 'http_responses_total', ALL, 'HTTP responses by class of status code.', {code});

export const HAPROXY_METRICS: readonly HaproxyMetric[] = [
  gauge('qcur', 'current_queue', SERVER_SIDE, 'Requests that wait in the queue.'),
  gauge('qmax', 'max_queue', SERVER_SIDE, 'The longest queue so far.'),
  gauge('scur', 'current_sessions', ALL, 'Active sessions.'),
  gauge('smax', 'max_sessions', ALL, 'The most active sessions so far.'),
  gauge('slim', 'limit_sessions', ALL, 'Configured session limit.'),
  counter('stot', 'sessions_total', ALL, 'Sessions.'),
  counter('conn_tot', 'connections_total', FRONTEND, 'Connections.'),
  counter('bin', 'bytes_in_total', ALL, 'Incoming bytes.'),
  counter('bout', 'bytes_out_total', ALL, 'Outgoing bytes.'),
  counter('dreq', 'requests_denied_total', FRONTEND, 'Requests denied for security.'),
  counter('ereq', 'request_errors_total', FRONTEND, 'Request errors.'),
  counter('econ', 'connection_errors_total', SERVER_SIDE, 'Connection errors.'),
  counter('eresp', 'response_errors_total', SERVER_SIDE, 'Response errors.'),
  counter('wretr', 'retry_warnings_total', SERVER_SIDE, 'Retried connections.'),
  counter('wredis', 'redispatch_warnings_total', SERVER_SIDE, 'Requests redispatched to another server.'),
  gauge('status', 'up', SERVER_SIDE, '1 when it is up, 0 when it is down.', {reads: 'status'}),
  gauge('weight', 'weight', SERVER_SIDE, 'Weight; of a backend, the sum over its servers.'),
  gauge('act', 'current_server', ['backend'], 'Active servers.'),
  counter('chkfail', 'check_failures_total', ['server'], 'Failed health checks.'),
  counter('downtime', 'downtime_seconds_total', ['server'], 'Time it was down.'),
  counter('lbtot', 'server_selected_total', SERVER_SIDE, 'Times a server was selected.'),
  gauge('rate', 'current_session_rate', ALL, 'Sessions in the last second.'),
  gauge('rate_lim', 'limit_session_rate', FRONTEND, 'Configured limit of sessions per second.'),
  gauge('rate_max', 'max_session_rate', ALL, 'The most sessions in a second so far.'),
  gauge('check_duration', 'check_duration_seconds', ['server'], 'Duration of the last health check.', {
    reads: 'milliseconds',
  }),
  ...['1xx', '2xx', '3xx', '4xx', '5xx', 'other'].map(responses),
  counter('req_tot', 'http_requests_total', FRONTEND, 'HTTP requests.'),
  counter('cli_abrt', 'client_aborts_total', SERVER_SIDE, 'Transfers aborted by the client.'),
  counter('srv_abrt', 'server_aborts_total', SERVER_SIDE, 'Transfers aborted by the server.'),
  counter('comp_in', 'compressor_bytes_in_total', CLIENT_SIDE, 'Bytes fed to the compressor.'),
  counter('comp_out', 'compressor_bytes_out_total', CLIENT_SIDE, 'Bytes emitted by the compressor.'),
  counter('comp_byp', 'compressor_bytes_bypassed_total', CLIENT_SIDE, 'Bytes that bypassed the compressor.'),
  counter('comp_rsp', 'http_responses_compressed_total', CLIENT_SIDE, 'HTTP responses that were compressed.'),
  average('qtime', 'queue'),
  average('ctime', 'connect'),
  average('rtime', 'response'),
  average('ttime', 'total'),
];

/** The fields of `show stat` that only ever grow within one process. */
export const COUNTER_FIELDS: readonly string[] = HAPROXY_METRICS.flatMap(({type, field}) =>
  type === 'counter' ? [field] : [],
);
