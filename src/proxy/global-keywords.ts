import {except, type KeywordRow, row} from './keyword-row.ts';

/**
 * Every keyword of `global` (configuration.txt 3, HAProxy 1.7 to 3.5) with the changes of servers at run time that end
 * elsewhere than a reload where it is set. Keywords that begin with one of the families are settings of their own each.
 */
const SCRIPTS = except('any', 'a script may hold on to servers or change them');

/** They concern the process, its logs, its listeners or its requests, whichever server there is. */
const NEUTRAL = `
  anonkey busy-polling ca-base chroot close-spread-time cluster-secret cpu-affinity cpu-map cpu-policy cpu-set crt-base
  daemon debug default-path description dns-accept-family expose-deprecated-directives
  expose-experimental-directives external-check fd-hard-limit force-cfg-parser-pause gid grace group
  h1-accept-payload-with-any-method h1-case-adjust h1-case-adjust-file h1-do-not-close-on-insecure-transfer-encoding
  h2-workaround-bogus-websocket-clients hard-stop-after http-err-codes http-fail-codes insecure-fork-wanted
  insecure-setuid-wanted issuers-chain-path key-base limited-quic localpeer log log-send-hostname log-tag
  master-worker max-spread-checks max-threads-per-group maxcompcpuusage maxcomprate maxconn maxconnrate maxpipes
  maxsessrate maxsslconn maxsslrate maxzlibmem mworker-max-reloads nbproc nbthread no-memory-trimming no-quic node
  noepoll noevports nogetaddrinfo nokqueue noktls nopoll noreuseport nosplice numa-cpu-mapping pidfile
  pp2-never-send-local prealloc-fd presetenv quiet resetenv server-state-base server-state-file set-dumpable set-var
  set-var-fmt setcap setenv shm-stats-file shm-stats-file-max-objects spread-checks ssl-default-bind-ciphers
  ssl-default-bind-ciphersuites ssl-default-bind-client-sigalgs ssl-default-bind-curves ssl-default-bind-options
  ssl-default-bind-sigalgs ssl-default-server-ciphers ssl-default-server-ciphersuites
  ssl-default-server-client-sigalgs ssl-default-server-curves ssl-default-server-options ssl-default-server-sigalgs
  ssl-dh-param-file ssl-engine ssl-load-extra-del-ext ssl-load-extra-files ssl-mode-async ssl-propquery ssl-provider
  ssl-provider-path ssl-security-level ssl-server-verify ssl-skip-self-issued-ca stats stats-file strict-limits
  thread-group thread-groups thread-hard-limit uid ulimit-n unix-bind unsetenv user warn-blocked-traffic-after
  zero-warning`;

const NEUTRAL_FAMILIES = [
  '51degrees-',
  'deviceatlas-',
  'wurfl-',
  'acme.',
  'harden.',
  'httpclient.',
  'jwt.',
  'ocsp-update.',
  'profiling.',
  'debug.',
  'tune.',
] as const;

const GLOBAL_KEYWORDS: readonly KeywordRow[] = [
  ...NEUTRAL.trim()
    .split(/\s+/)
    .map(keyword => row(keyword, 0)),
  row('lua-load', 0, SCRIPTS),
  row('lua-load-per-thread', 0, SCRIPTS),
  row('lua-prepend-path', 0),
];

const ROWS = new Map(GLOBAL_KEYWORDS.map(one => [one.keyword, one]));
const FAMILY = row('', 0);

/** The row of a line of `global`; undefined when there is none. */
export function findGlobalRow(line: readonly string[]): KeywordRow | undefined {
  const [first = '', second = ''] = line;
  const keyword = first === 'no' ? second : first;
  return ROWS.get(keyword) ?? (NEUTRAL_FAMILIES.some(family => keyword.startsWith(family)) ? FAMILY : undefined);
}
