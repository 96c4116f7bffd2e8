import type {Trial} from './cells.ts';
import {SERVER_SAMPLES} from './samples.ts';

const CROWDED = new Set(['slowstart', 'maxconn', 'maxqueue', 'minconn', 'strict-maxconn']);

/** A trial of each keyword of a server that can be tried. */
export const SERVER_TRIALS: readonly Trial[] = Object.entries(SERVER_SAMPLES).flatMap(([keyword, sample]) =>
  'why' in sample ? [] : [{keyword, ...sample, crowded: CROWDED.has(keyword)}],
);

const backend = (keyword: string, lines: string, more: Partial<Trial> = {}): Trial => ({
  keyword,
  backend: lines,
  ...more,
});

/** Keywords of a backend, alone or with what they are about. */
export const BACKEND_TRIALS: readonly Trial[] = [
  {keyword: '(nothing)', crowded: true},
  {keyword: '(nothing), mode tcp', mode: 'tcp'},
  backend('balance leastconn', 'balance leastconn'),
  backend('balance first', 'balance first'),
  backend('balance static-rr', 'balance static-rr'),
  backend('balance random', 'balance random'),
  backend('balance random(3)', 'balance random(3)'),
  backend('balance source', 'balance source'),
  backend('balance uri', 'balance uri'),
  backend('balance uri, consistent', 'balance uri\nhash-type consistent'),
  backend('balance url_param, consistent', 'balance url_param x\nhash-type consistent'),
  backend('balance hdr', 'balance hdr(host)'),
  backend('balance hash', 'balance hash path'),
  backend('balance hash, consistent, hash-key addr-port', 'balance hash path\nhash-type consistent', {
    options: 'hash-key addr-port',
  }),
  backend('hash-balance-factor', 'balance uri\nhash-type consistent\nhash-balance-factor 150'),
  backend('hash-preserve-affinity', 'balance uri\nhash-type consistent\nhash-preserve-affinity always'),
  backend('cookie insert', 'cookie S insert indirect nocache'),
  backend('cookie dynamic', 'cookie S insert dynamic\ndynamic-cookie-key x'),
  backend('cookie rewrite, servers with cookies', 'cookie S rewrite', {options: 'cookie {name}'}),
  backend('option tcp-check', 'option tcp-check'),
  backend(
    'tcp-check rules',
    'option tcp-check\ntcp-check connect\ntcp-check send "GET /health HTTP/1.0\\r\\n\\r\\n"\ntcp-check expect string 200',
  ),
  backend('tcp-check connect ssl', 'option tcp-check\ntcp-check connect ssl', {
    options: 'ssl verify none',
    speech: 'tls',
  }),
  backend(
    'http-check rules',
    'option httpchk\nhttp-check connect\nhttp-check send meth GET uri /health\nhttp-check expect status 200',
  ),
  backend('http-check disable-on-404', 'http-check disable-on-404'),
  backend('http-check send-state', 'http-check send-state'),
  backend('option ssl-hello-chk', 'option ssl-hello-chk', {options: 'ssl verify none', speech: 'tls'}),
  backend('option smtpchk', 'option smtpchk'),
  backend('option redis-check', 'option redis-check'),
  backend('option mysql-check', 'option mysql-check user x'),
  backend('option pgsql-check', 'option pgsql-check user x'),
  backend('option ldap-check', 'option ldap-check'),
  backend('http-reuse never', 'http-reuse never'),
  backend('http-reuse always', 'http-reuse always'),
  backend('option httpclose', 'option httpclose', {keepsAlive: true}),
  backend('option forceclose', 'option forceclose', {keepsAlive: true}),
  backend('option http-keep-alive', '', {keepsAlive: true}),
  backend('option http-tunnel', 'option http-tunnel', {keepsAlive: true}),
  backend('http-reuse never, keep-alive', 'http-reuse never', {keepsAlive: true}),
  backend('http-reuse always, keep-alive', 'http-reuse always', {keepsAlive: true}),
  backend('option http-pretend-keepalive', 'option http-pretend-keepalive'),
  backend('option prefer-last-server', 'option prefer-last-server'),
  backend('option allbackups', 'option allbackups', {options: 'backup'}),
  backend('option redispatch', 'option redispatch\nretries 2'),
  backend('retry-on', 'retry-on all-retryable-errors'),
  backend('option persist', 'option persist\ncookie S insert'),
  backend('force-persist', 'force-persist if TRUE'),
  backend('ignore-persist', 'ignore-persist if TRUE'),
  backend('persist rdp-cookie', 'persist rdp-cookie', {mode: 'tcp'}),
  backend('stick-table', 'stick-table type ip size 1k'),
  backend('stick on', 'stick-table type ip size 1k\nstick on src'),
  backend('source', 'source 127.0.0.1'),
  backend('fullconn', 'fullconn 100', {options: 'minconn 5 maxconn 10', crowded: true}),
  backend('default-server', 'default-server maxconn 9 weight 2 maxqueue 20'),
  backend('default-server check', 'default-server check'),
  backend('default-server disabled', 'default-server disabled', {options: 'enabled'}),
  backend('email-alert', 'log global\noption log-health-checks'),
  backend('http-send-name-header', 'http-send-name-header X-Server'),
  backend('use-server', 'use-server s1 if FALSE'),
  backend('srv_id in a rule', 'http-response set-header X-Number %[srv_id]'),
  backend('srv_iweight in a rule', 'http-request deny if { srv_iweight({cell}/s1) 9 }'),
  backend('compression', 'compression algo gzip'),
  backend(
    'option splice-auto',
    'option splice-auto\noption tcp-smart-connect\noption srvtcpka\noption independent-streams\noption nolinger',
  ),
  backend('timeout', 'timeout server 5s\ntimeout connect 1s\ntimeout check 2s\ntimeout queue 3s\ntimeout tunnel 3s'),
  backend('max-keep-alive-queue', 'max-keep-alive-queue 1'),
  {keyword: 'checks of named defaults', from: ' from quick'},
  {keyword: 'TLS server in front of a plain pod', options: 'ssl verify none'},
  {
    keyword: 'TLS with sni and verify',
    options: 'ssl verify required ca-file {folder}/ca.crt sni str(ca)',
    speech: 'tls',
  },
  backend('TLS from default-server', 'default-server ssl verify none', {speech: 'tls'}),
  backend('PROXY protocol from default-server', 'default-server send-proxy-v2', {speech: 'proxy'}),
  {keyword: 'PROXY protocol and TLS', options: 'ssl verify none send-proxy', speech: 'proxytls'},
  {keyword: 'check with a port of its own', options: 'ssl verify none port {port:plain}', speech: 'tls'},
  {
    keyword: 'checks every minute',
    options: 'inter 60s',
    // An unchecked server, and one that is out, have nothing to be late with.
    situations: [
      'move',
      'port',
      'recheck',
      'revive',
      'fail',
      'weigh',
      'enable',
      'add',
      'several',
      'first',
      'remove',
      'all',
    ],
  },
  {keyword: 'slow start without a limit', options: 'slowstart 10m'},
  {keyword: 'a value that reads like a flag', options: 'cookie disabled', backend: 'cookie S insert'},
  {keyword: 'weight 0', options: 'weight 0'},
  {keyword: 'HTTP/2, keep-alive', options: 'proto h2', speech: 'h2c', keepsAlive: true},
];

/** Everything that is tried, and on the page. */
export const TRIALS: readonly Trial[] = [...BACKEND_TRIALS, ...SERVER_TRIALS];

/** Keywords of a server that cannot be tried here, and why. */
export const NOT_TRIED: ReadonlyMap<string, string> = new Map(
  Object.entries(SERVER_SAMPLES).flatMap(([keyword, sample]) =>
    'why' in sample ? [[keyword, sample.why] as const] : [],
  ),
);

/** Their processes end in some versions: each has two of its own. */
export const DANGEROUS_TRIALS: readonly Trial[] = [
  backend('option external-check', 'option external-check\nexternal-check command /bin/true'),
];
