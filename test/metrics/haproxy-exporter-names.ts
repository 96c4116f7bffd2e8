/**
 * Every metric that prometheus/haproxy_exporter 0.15 declares, with its type, as its own source lists them
 * (haproxy_exporter.go: frontendMetrics, backendMetrics, serverMetrics and those of the exporter itself).
 */
const scoped = (scope: string, gauges: string, counters: string): [string, string][] => [
  ...gauges
    .trim()
    .split(/\s+/)
    .map((name): [string, string] => [`haproxy_${scope}_${name}`, 'gauge']),
  ...counters
    .trim()
    .split(/\s+/)
    .map((name): [string, string] => [`haproxy_${scope}_${name}`, 'counter']),
];

export const EXPORTER_METRICS: ReadonlyMap<string, string> = new Map([
  ...scoped(
    'frontend',
    `current_sessions max_sessions limit_sessions current_session_rate limit_session_rate max_session_rate`,
    `sessions_total bytes_in_total bytes_out_total requests_denied_total request_errors_total http_responses_total
    http_requests_total compressor_bytes_in_total compressor_bytes_out_total compressor_bytes_bypassed_total
    http_responses_compressed_total connections_total`,
  ),
  ...scoped(
    'backend',
    `current_queue max_queue current_sessions max_sessions limit_sessions up weight current_server current_session_rate
    max_session_rate http_queue_time_average_seconds http_connect_time_average_seconds
    http_response_time_average_seconds http_total_time_average_seconds`,
    `sessions_total bytes_in_total bytes_out_total connection_errors_total response_errors_total retry_warnings_total
    redispatch_warnings_total server_selected_total http_responses_total client_aborts_total server_aborts_total
    compressor_bytes_in_total compressor_bytes_out_total compressor_bytes_bypassed_total http_responses_compressed_total`,
  ),
  ...scoped(
    'server',
    `current_queue max_queue current_sessions max_sessions limit_sessions up weight current_session_rate
    max_session_rate check_duration_seconds http_queue_time_average_seconds http_connect_time_average_seconds
    http_response_time_average_seconds http_total_time_average_seconds`,
    `sessions_total bytes_in_total bytes_out_total connection_errors_total response_errors_total retry_warnings_total
    redispatch_warnings_total check_failures_total downtime_seconds_total server_selected_total http_responses_total
    client_aborts_total server_aborts_total`,
  ),
  ['haproxy_version_info', 'gauge'],
  ['haproxy_up', 'gauge'],
  ['haproxy_process_idle_time_percent', 'gauge'],
  ['haproxy_exporter_scrapes_total', 'counter'],
  ['haproxy_exporter_csv_parse_failures_total', 'counter'],
]);
