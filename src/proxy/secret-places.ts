/*
 * Where a credential can stand in a configuration, and what may be shown: HAProxy 1.7 to 3.4, from their manuals and
 * from what they list themselves (`haproxy -dKall`). A line that fits no row is hidden whole.
 */

/**
 * A kind of line each, the first that fits counts. In a row
 * - `a|b` is one of these words, `NAME` (capitals) any word, but `ID` one that names an ACL, and `LOGIN` one that a
 *   password may follow behind a colon, which is hidden;
 * - `*` is a word that is hidden, `:*` one of which only what stands before its colon is shown;
 * - `...` is whatever follows, shown unless it looks like a line of credentials; `<reading>` is whatever follows, read in a way of its own (redact.ts).
 * What follows the end of a row is hidden.
 */
export const LINES = `
  global
  userlist|peers|mailers|namespace_list|resolvers|cache|program|ring|log-forward|log-profile NAME
  http-errors|fcgi-app|crt-store|acme NAME
  traces
  listen|frontend|backend|defaults ...

  setenv|presetenv <variable>
  resetenv|unsetenv NAME <secret>
  cluster-secret|dynamic-cookie-key|anonkey|eab-mac-key|eab-key-id|acme-vars <secret>
  user LOGIN <user>
  stats auth :*
  stats socket PATH <bind>
  stats http-request <action>
  stats enable|hide-version|show-legends|show-modules
  stats maxconn|refresh|scope|show-node|timeout|uri NAME
  stats admin <condition>
  stats bind-process ...
  stats show-desc|realm <prose>
  lua-load|lua-load-per-thread NAME <secret>
  command|ssl-passphrase-cmd <secret>

  bind|dgram-bind ADDRESS <bind>
  server|peer NAME ADDRESS <server>
  server-template NAME COUNT ADDRESS <server>
  default-server <server>
  default-bind <bind>

  acl ID <criterion>
  http-request|http-response|http-after-response <action>
  tcp-request connection|session|content <action>
  tcp-response content <action>
  tcp-request inspect-delay NAME
  tcp-response inspect-delay NAME
  quic-initial <action>
  http-error <reply>
  set-param <named>
  set-var|set-var-fmt <named>

  option httpchk <httpchk>
  option mysql-check|pgsql-check user * post-41|pre-41
  option mysql-check|pgsql-check <secret>
  option abortonclose|accept-invalid-http-request|accept-invalid-http-response
  option accept-unsafe-violations-in-http-request|accept-unsafe-violations-in-http-response|allbackups
  option allow-null-origin|assume-rfc6587-ntf|assume-rfc5424|checkcache|clitcpka|contstats|disable-h2-upgrade
  option dont-parse-log|dontlog-normal|dontlognull|external-check|forceclose|h1-case-adjust-bogus-client
  option h1-case-adjust-bogus-server|http-buffer-request|http-drop-request-trailers
  option http-drop-response-trailers|http-ignore-probes|http-keep-alive|http-no-delay|http-pretend-keepalive
  option http-proxy|http-server-close|http-tunnel|http-use-htx|http-use-proxy-header|httpclose|httpslog
  option http_proxy|idle-close-on-response|independant-streams|independent-streams|ldap-check|lb-agent-chk
  option log-health-checks|log-separate-errors|logasap|nolinger|persist|prefer-last-server|redis-check
  option socket-stats|splice-auto|splice-request|splice-response|spop-check|srvtcpka|ssl-hello-chk
  option start-on-reload|tcp-check|tcp-smart-accept|tcp-smart-connect|tcpka|transparent
  option http-restrict-req-hdr-names|httplog|redispatch|tcplog NAME
  option forwarded|forwardfor|host|keep-query|originalto|smtpchk|use-small-buffers ...

  http-check send <send>
  http-check expect status|rstatus <formats>
  http-check expect|send-lf <secret>
  http-check comment <prose>
  http-check connect|disable-on-404|send-state|unset-var ...
  http-check set-var|set-var-fmt <named>
  tcp-check send|send-binary|send-binary-lf|send-lf|expect <secret>
  tcp-check comment <prose>
  tcp-check connect|unset-var ...
  tcp-check set-var|set-var-fmt <named>

  group LOGIN users NAME
  group LOGIN

  filter bwlim-in|bwlim-out|cache|compression|fcgi-app|opentelemetry|opentracing|spoe|trace ...

  .if|.elif <directive>
  .else|.endif
  .notice|.warning|.alert|.diag <secret>

  51degrees-allow-unmatched|51degrees-cache-size|51degrees-data-file|51degrees-property-separator NAME
  contact|index|log-steps|map|master-worker|persist|profile|size NAME
  51degrees-use-performance-graph|accept-invalid-http-request|accept-netscaler-cip|accepted_payload_size NAME
  account-key|acme.scheduler|backlog|bits|ca-base|challenge|chroot|clitcpka-cnt|clitcpka-idle NAME
  clitcpka-intvl|clitimeout|close-spread-time|contimeout|crt-base|curves|daemon|debug|default_backend NAME
  deviceatlas-json-file|deviceatlas-log-level|deviceatlas-properties-cookie|deviceatlas-separator NAME
  directory|disabled|dispatch|dns-accept-family|dns-delay|dns-timeout|docroot|eab-mac-alg|enabled NAME
  expose-deprecated-directives|expose-experimental-directives|fingerprint_ssl_bufsize NAME
  force-cfg-parser-pause|format|fullconn|gid|grace|guid|h1-accept-payload-with-any-method NAME
  h1-case-adjust-file|h1-do-not-close-on-insecure-transfer-encoding|h2-workaround-bogus-websocket-clients NAME
  hard-stop-after|harden.reject-privileged-ports.quic|harden.reject-privileged-ports.tcp NAME
  hash-balance-factor|hash-preserve-affinity|http-reuse|http-send-name-header NAME
  httpclient.resolvers.disabled|httpclient.resolvers.id|httpclient.resolvers.prefer|httpclient.retries NAME
  httpclient.ssl.ca-file|httpclient.ssl.verify|httpclient.timeout.connect|id|insecure-fork-wanted NAME
  insecure-setuid-wanted|issuers-chain-path|jwt.decrypt_alg_list|jwt.decrypt_enc_list|key-base|keytype NAME
  limited-quic|load-server-state-from-file|localpeer|log-send-hostname NAME
  max-age|max-keep-alive-queue|max-object-size|max-reqs|max-secondary-entries NAME
  max-session-srv-conns|max-spread-checks|max-threads-per-group|maxcompcpuusage|maxcomprate|maxconn NAME
  maxconnrate|maxlen|maxpipes|maxsessrate|maxsslconn|maxsslrate|maxzlibmem|mode|monitor-net|monitor-uri NAME
  mpxs-conns|mworker-max-reloads|namespace|nbproc|nbthread|no-memory-trimming|node|noepoll|noevports NAME
  nogetaddrinfo|nokqueue|noktls|nopoll|noreuseport|nosplice|numa-cpu-mapping|ocsp-update.disable NAME
  ocsp-update.httpproxy|ocsp-update.maxdelay|ocsp-update.mindelay|ocsp-update.mode|parse-resolv-conf NAME
  path-info|pidfile|pp2-never-send-local|prealloc-fd|process-vary|profiling.memory|profiling.tasks NAME
  provider-name|quiet|redisp|redispatch|resolution_pool_size|resolve_retries|retries|reuse-key NAME
  server-state-base|server-state-file|server-state-file-name|set-dumpable|setcap|shards|shm-stats-file NAME
  shm-stats-file-max-objects|spread-checks|srvtcpka-cnt|srvtcpka-idle|srvtcpka-intvl|srvtimeout NAME
  ssl-default-bind-ciphers|ssl-default-bind-ciphersuites|ssl-default-bind-client-sigalgs NAME
  ssl-default-bind-curves|ssl-default-bind-sigalgs|ssl-default-server-ciphers NAME
  ssl-default-server-ciphersuites|ssl-default-server-client-sigalgs|ssl-default-server-curves NAME
  ssl-default-server-sigalgs|ssl-dh-param-file|ssl-load-extra-del-ext|ssl-mode-async|ssl-propquery NAME
  ssl-provider|ssl-provider-path|ssl-security-level|ssl-server-verify|ssl-skip-self-issued-ca NAME
  stress-level|strict-limits|thread-groups|thread-hard-limit|total-max-size|transparent|uid|ulimit-n NAME
  unique-id-header|use-fcgi-app|warn-blocked-traffic-after|wurfl-cache-size NAME
  wurfl-data-file|wurfl-engine-mode|wurfl-information-list-separator|wurfl-patch-file NAME
  wurfl-useragent-priority|backing-file|zero-warning NAME

  error-log-format|log-format|log-format-sd|log-tag|unique-id-format <format>
  cookie NAME <cookie>
  on NAME <formats>

  default-path|errorfile|errorloc|errorloc302|errorloc303|external-check|h1-case-adjust|hold NAME NAME
  lua-prepend-path|rate-limit|timeout NAME NAME
  mailer|nameserver NAME ADDRESS

  block|force-be-switch|force-persist|ignore-persist <condition>
  monitor fail <condition>
  pass-header|use-server|use_backend NAME <condition>

  51degrees-property-name-list|appsession|balance|bind-process|capture|challenge-ready|cli ...
  compression|cpu-affinity|cpu-map|cpu-policy|cpu-set|declare|email-alert ...
  errorfiles|filter-sequence|get-values|hash-type|http-err-codes ...
  http-fail-codes|log|redirect|retry-on|source|ssl-default-bind-options|ssl-default-server-options|ssl-engine ...
  ssl-load-extra-files|stick|stick-table|table|trace|unix-bind|use-small-buffers ...
  log-stderr|thread-group|wurfl-information-list ...
  description <prose>
  load|ssl-f-use <load>
`;

/** What a rule of `http-request` and its like does, read as `LINES`; what stands in its parentheses is its name. */
export const ACTIONS = `
  add-header|set-header|replace-header|replace-value|early-hint|add-headers-bin|set-headers-bin <named>
  set-var|set-var-fmt|set-map|add-acl|del-acl|del-map|set-cookie-fmt <named>
  auth realm <realm>
  set-query <query>
  auth <condition>
  use-service NAME <condition>
  deny|return|tarpit|reject <reply>
  accept|allow|close|dgram-drop|disable-l7-retry|send-retry|wait-for-handshake <condition>
  cache-store|cache-use|expect-netscaler-cip|expect-proxy|set-log-level|set-nice|strict-mode NAME <condition>
  ot-group|otel-group|send-spoe-group NAME NAME <condition>
  normalize-uri NAME full|strict <condition>
  normalize-uri NAME <condition>
  silent-drop rst-ttl NAME <condition>
  silent-drop <condition>
  attach-srv|capture|del-header|del-headers-bin|do-log|do-resolve|pause|redirect ...
  replace-path|replace-pathq|replace-uri|sc-add-gpc|sc-inc-gpc|sc-inc-gpc0 ...
  sc-inc-gpc1|sc-set-gpt|sc-set-gpt0|set-bandwidth-limit|set-bc-mark ...
  set-bc-tos|set-dst|set-dst-port|set-fc-mark|set-fc-tos|set-mark|set-method ...
  set-path|set-pathq|set-priority-class|set-priority-offset|set-retries|set-src|set-src-port ...
  set-status|set-timeout|set-tos|set-uri|switch-mode|track-sc0|track-sc1 ...
  track-sc2|track-sc|unset-var|wait-for-body ...
`;

/** Options of a `bind` line: those alone, those with a value, those whose value is a secret. */
export const BIND_OPTIONS = {
  alone: `accept-proxy allow-0rtt defer-accept force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13
    generate-certificates no-alpn no-ca-names no-sslv3 no-strict-sni no-tls-tickets no-tlsv10 no-tlsv11 no-tlsv12
    no-tlsv13 prefer-client-ciphers quic-force-retry ssl strict-sni tfo tls-tickets transparent v4v6 v6only`,
  valued: `accept-netscaler-cip alpn backlog ca-file ca-ignore-err ca-sign-file ca-verify-file cc ciphers
    ciphersuites client-sigalgs crl-file crt crt-ignore-err crt-list curves default-crt ecdhe expose-fd gid group
    guid-prefix id idle-ping interface ktls label level maxconn mode mss name namespace nbconn nice npn process proto
    quic-cc-algo quic-socket severity-output shards sigalgs ssl-max-ver ssl-min-ver tcp-ss tcp-ut thread
    tls-ticket-keys uid user verify`,
  secret: 'ca-sign-pass tcp-md5sig',
};

/** The same for the lines of servers. */
export const SERVER_OPTIONS = {
  alone: `agent-check allow-0rtt backup check check-pool-conn-name check-reuse-pool check-send-proxy check-sni-auto
    check-ssl check-via-socks4 disabled enabled force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13
    no-agent-check no-backup no-check no-check-reuse-pool no-check-send-proxy no-check-sni-auto no-check-ssl
    no-renegotiate no-send-proxy no-send-proxy-v2 no-send-proxy-v2-ssl no-send-proxy-v2-ssl-cn no-sni-auto no-ssl
    no-ssl-reuse no-sslv3 no-tfo no-tls-tickets no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 no-verifyhost non-stick
    renegotiate send-proxy send-proxy-v2 send-proxy-v2-ssl send-proxy-v2-ssl-cn sni-auto ssl ssl-reuse stick
    strict-maxconn tfo tls-tickets`,
  valued: `addr agent-addr agent-inter agent-port alpn ca-file cc check-alpn check-proto check-sni ciphers
    ciphersuites client-sigalgs cookie crl-file crt curves downinter error-limit fall fastinter guid hash-key
    healthcheck id idle-ping init-addr init-state inter interface ktls log-bufsize log-proto max-reuse maxconn
    maxqueue minconn namespace npn observe on-error on-marked-down on-marked-up pool-conn-name pool-low-conn
    pool-max-conn pool-purge-delay port proto proxy-v2-options redir resolve-net resolve-opts resolve-prefer
    resolvers rise shard sigalgs slowstart sni socks4 source ssl-max-ver ssl-min-ver tcp-ut track usesrc verify
    verifyhost weight ws`,
  secret: 'agent-send set-proxy-v2-tlv-fmt tcp-md5sig',
};

/** Options of `return`, `deny`, `tarpit` and `http-error`. What they answer with is hidden; files only name it. */
export const REPLY_OPTIONS = {
  alone: 'default-errorfiles',
  valued: 'code content-type deny_status errorfile errorfiles file lf-file status',
  secret: 'lf-string string',
};

/** Options of `http-check send`, but for `hdr NAME VALUE`. */
export const SEND_OPTIONS = {
  alone: '',
  valued: 'meth uri uri-lf ver',
  secret: 'body body-lf',
};

/** Options of the lines that load certificates, beside those of a `bind` line. */
export const LOAD_OPTIONS =
  'acme alias bits crt curves domains generate-dummy issuer jwt key keytype ocsp ocsp-update sctl';

/** Options of the lines that set a cookie. */
export const COOKIE_OPTIONS = {
  alone: 'dynamic httponly indirect insert nocache postonly prefix preserve rewrite secure',
  valued: 'attr domain maxidle maxlife',
  secret: '',
};

/** Options of the users of a userlist. */
export const USER_OPTIONS = {
  alone: '',
  valued: 'groups',
  secret: 'insecure-password password',
};

/** Names of headers, variables, cookies, parameters and files that go with a credential. */
export const SENSITIVE_NAME =
  /assertion|auth|bearer|cookie|cook|cred|csrf|hmac|jwt|key|licen[cs]e|login|nonce|pass|priv|pwd|saml|secret|sessid|session|sign|token|vault|xsrf|(?:^|[-_.(])(?:otp|pin|psk|pw|salt|sess(?!\.|_(?:cnt|cur|rate))|sid|sig)(?:$|[-_.)])/i;

/** What gives prose away that is more than that: a word for a credential, a pair, a word that nobody would say. */
export const TELLING =
  /\b(?:auth\w*|api.?key|bearer|cred\w*|keys?|log[io]n|pass(?:e|code|phrase|w\w*)?|kennwort|contrase\w*|pin|pw|pwd|secrets?|tokens?)\b|\w:(?!\/\/)[^\s\d]|=|\b(?=\w*\d)(?=\w*[a-z])\w{6,}/i;

/** Words of a line that say that a credential comes next. */
export const ANNOUNCING =
  /^(?:pass(?:wd|word|phrase|code)?|pwd?|secret|token|api-?key|credentials?|set-cookie(?:-fmt)?)[:=]*$/i;

/**
 * Letters and digits in one word, which few words have, a digit before a letter where signs stand between them: a key,
 * whatever its name. `[0-9a-f]` is none.
 */
export const MADE_UP =
  /(?<![a-z\d])(?=[a-z\d]*\d)(?=[a-z\d]*[a-z])[a-z\d]{8,}|(?<![\w$!+~^*-])(?=[\w$!+~^*-]*(?<!\d-)\d[a-z])[\w$!+~^*-]{8,}/i;

/** What says of itself that it is a credential. */
export const CALLED_SECRET = /api.?key|credential|passw|pwd|secret|token/i;

/** Words of a line that say that prose comes next. */
export const INTRODUCING = /^(?:comment|realm|reason)$/;

/** Headers of a health check that hold nothing to hide. */
export const PLAIN_HEADER = /^(?:accept|connection|content-type|host)$/i;

/**
 * Samples and converters whose arguments are shown: names, numbers, files. Whatever else has arguments (`hmac`, `aes_…`,
 * `jwt_…`, `str`, `bin`, `concat`, `iif`, Lua's, one that there is not) has them hidden.
 */
export const PLAIN_FUNCTION = patternOf(
  'accept_date acl add and avg_queue base32 be2hex bool bs.debug_str bytes capture-re[qs] capture.re[qs].hdr connslots',
  'cookie crc32c? date debug digest div djb2 dump_all_vars env field fs.debug_str has_ctl http_auth(?:_bearer|_group)?',
  'http_date in_table int ip.fp ipmask ipv[46] json json_query jwt_(?:header|payload)_query language [lb]e2dec',
  '[mu]s_[lu]?time [lu]?time ltrim rtrim map(?:_\\w+)? meth mod mqtt_field_value mul nbsrv or param payload(?:_lv)?',
  'protobuf queue rand rdp_cookie(?:_cnt)? regsub re(?:[pqs]|sp).\\w+ request_date rfc7239_field sdbm secure_memcmp set-var sha2',
  'strcmp sub table_\\w+ sc\\d?_\\w+ src_\\w+ srv_\\w+ ssl_\\w+ [fb][ce]_\\w+ s?(?:cook|hdr)(?:_\\w+)? ungrpc unset-var',
  'url_(?:dec|enc|param) urlp(?:_\\w+)? uuid var when word wt6 xor xxh(?:3|32|64)',
  // What a table stores, actions, conditions of the text.
  '(?:bytes_in|bytes_out|conn|glitch|gpc\\d?|http_err|http_fail|http_req|sess)_rate gpc gpt',
  'add-acl del-acl set-map del-map do-resolve sc-[\\w-]+ track-sc\\d? set-var-fmt defined feature enabled',
  '(?:version|openssl_version|awslc_api)_(?:atleast|before) ssllib_name_startswith',
);

/** Criteria whose patterns are shown, unless what they look at has a sensitive name. */
export const PLAIN_CRITERION = patternOf(
  'always_(?:true|false) avg_queue base(?:_\\w+)? [fb][ce]_(?!pp_tlv)\\w+ bool connslots date dst\\w* hdr(?:_\\w+)? hostname',
  'http_(?:first_req|version) int last_rule_\\w+ meth(?:od)? nbproc nbsrv path(?:q|_\\w+)? port proc queue rand',
  're[qs].f?hdr(?:_\\w+)? re[pqs][._](?:len|proto_http|ver|ssl_\\w+) s?hdr(?:_\\w+)? sc\\d?_\\w+ so_(?:id|name) src\\w*',
  'srv_\\w+ ssl_\\w+ status stopping table_\\w+ thread txn.\\w+ url(?:_\\w+)? urlp(?:_\\w+)? var wait_end',
);

/** One of the patterns that the lists hold, whole; a dot is a dot. */
function patternOf(...lists: readonly string[]): RegExp {
  const patterns = lists.join(' ').replaceAll('.', '\\.').split(' ');
  return new RegExp(`^(?:${patterns.join('|')})$`);
}
