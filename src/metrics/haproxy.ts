import type {Row} from '../proxy/answers.ts';
import {encodeFamily, type Sample} from './exposition.ts';
import {HAPROXY_METRICS, type HaproxyMetric, type Scope} from './haproxy-table.ts';

/** What HAProxy answered to `show info` and `show stat`, or undefined when it did not. */
export interface HaproxyAnswers {
  readonly info: ReadonlyMap<string, string>;
  readonly rows: readonly Row[];
}

export interface ScrapeCounts {
  readonly scrapes: number;
  readonly failures: number;
}

/** Rows beyond these are left out and counted in `kontrol_haproxy_rows_omitted`: a Prometheus has bounds too. */
const MAX_ROWS: Readonly<Record<Scope, number>> = {frontend: 500, backend: 500, server: 2000};

/** The `type` field of `show stat`; 3 is a listener and not exported. */
const SCOPES: Readonly<Record<string, Scope>> = {'0': 'frontend', '1': 'backend', '2': 'server'};

/** `UP 1/3` is a server whose checks began to fail, `DRAIN` one that finishes what it has. */
const IS_UP = /^(?:UP\b|OPEN$|no check$|DRAIN\b)/;

function readValue({field, reads}: HaproxyMetric, row: Row): number | undefined {
  const text = row[field];
  if (text === undefined || text === '') return undefined;
  if (reads === 'status') return IS_UP.test(text) ? 1 : 0;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  return reads === 'milliseconds' ? value / 1000 : value;
}

const labelsOf = (scope: Scope, {pxname = '', svname = ''}: Row, code: string | undefined): Sample['labels'] => ({
  ...(scope === 'frontend' ? {frontend: pxname} : {backend: pxname}),
  ...(scope === 'server' && {server: svname}),
  ...(code !== undefined && {code}),
});

function encodeScope(scope: Scope, rows: readonly Row[]): string {
  const families = Map.groupBy(
    HAPROXY_METRICS.filter(({scopes}) => scopes.includes(scope)),
    ({name}) => name,
  );
  return [...families]
    .map(([name, metrics]) => {
      const samples = metrics.flatMap(metric =>
        rows.flatMap(row => {
          const value = readValue(metric, row);
          return value === undefined ? [] : [{labels: labelsOf(scope, row, metric.code), value}];
        }),
      );
      const [{type, help}] = metrics as [HaproxyMetric];
      return encodeFamily(`haproxy_${scope}_${name}`, type, help, samples);
    })
    .join('');
}

/** HAProxy's own statistics under the names of prometheus/haproxy_exporter. Pure; never throws. */
export function encodeHaproxyMetrics(answers: HaproxyAnswers | undefined, {scrapes, failures}: ScrapeCounts): string {
  const one = (value: number): Sample[] => [{labels: {}, value}];
  const own =
    encodeFamily(
      'haproxy_up',
      'gauge',
      'Whether the last scrape of HAProxy succeeded.',
      one(Number(answers !== undefined)),
    ) +
    encodeFamily('haproxy_exporter_scrapes_total', 'counter', 'Scrapes of HAProxy.', one(scrapes)) +
    encodeFamily(
      'haproxy_exporter_csv_parse_failures_total',
      'counter',
      'Answers of HAProxy that could not be read.',
      one(failures),
    );
  if (answers === undefined) return own;
  const {info, rows} = answers;
  const byScope = Map.groupBy(rows, ({type = ''}) => SCOPES[type]);
  let omitted = 0;
  let text = own;
  for (const scope of Object.values(SCOPES)) {
    const found = byScope.get(scope) ?? [];
    omitted += Math.max(0, found.length - MAX_ROWS[scope]);
    text += encodeScope(scope, found.slice(0, MAX_ROWS[scope]));
  }
  const idle = Number(info.get('Idle_pct') ?? Number.NaN);
  const version = {release_date: info.get('Release_date') ?? '', version: info.get('Version') ?? ''};
  return (
    text +
    encodeFamily('haproxy_version_info', 'gauge', 'HAProxy version.', [{labels: version, value: 1}]) +
    encodeFamily(
      'haproxy_process_idle_time_percent',
      'gauge',
      'Time spent waiting for events instead of processing them.',
      Number.isFinite(idle) ? one(idle) : [],
    ) +
    encodeFamily(
      'kontrol_haproxy_rows_omitted',
      'gauge',
      'Proxies and servers left out of the metrics because there are too many.',
      one(omitted),
    )
  );
}
