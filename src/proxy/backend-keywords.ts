import {except, type KeywordRow, row} from './keyword-row.ts';

/**
 * Every keyword that may be in effect for a backend (configuration.txt 4.1, HAProxy 1.7 to 3.5), by itself or from its
 * `defaults`, with the changes of its servers at run time that end elsewhere than a reload. Where the second word tells
 * more, it belongs to the keyword: `option httpchk`. A row of a keyword and another word holds for lines that say both.
 */
const PERSISTS = except('remove', 'clients would still be sent to a server that is gone');
const FROM_ADDRESSES = 'its cookies are made from addresses';
const NUMBERED = except('add remove', 'servers are known by their number');

/** They concern requests, connections and logs, whichever server there is. */
const NEUTRAL = `
  acl backlog be-unpublished bind bind-process block capture clitcpka-cnt clitcpka-idle clitcpka-intvl clitimeout
  compression contimeout declare default_backend default-server description email-alert error-log-format errorfile
  errorfiles errorloc errorloc302 errorloc303 filter filter-sequence force-be-switch fullconn grace guid
  hash-balance-factor hash-preserve-affinity hash-type http-after-response http-check http-error http-request
  http-response http-reuse http-send-name-header id log log-format log-format-sd log-steps log-tag
  max-keep-alive-queue max-session-srv-conns maxconn monitor monitor-net monitor-uri quic-initial rate-limit redirect
  reqadd reqallow reqdel reqdeny reqiallow reqidel reqideny reqipass reqirep reqitarpit reqpass reqrep reqtarpit
  retries retry-on rspadd rspdel rspdeny rspidel rspideny rspirep rsprep srvtcpka-cnt srvtcpka-idle srvtcpka-intvl
  srvtimeout stats tcp-check tcp-request tcp-response timeout unique-id-format unique-id-header use_backend
  load-server-state-from-file server-state-file-name external-check`;

const NEUTRAL_OPTIONS = `
  abortonclose accept-invalid-http-request accept-invalid-http-response accept-unsafe-violations-in-http-request
  accept-unsafe-violations-in-http-response allbackups checkcache clitcpka contstats disable-h2-upgrade dontlog-normal
  dontlognull forceclose forwarded forwardfor h1-case-adjust-bogus-client h1-case-adjust-bogus-server http-buffer-request
  http-drop-request-trailers http-drop-response-trailers http-ignore-probes http-keep-alive http-no-delay
  http-pretend-keepalive http-restrict-req-hdr-names http-server-close http-tunnel http-use-proxy-header httpchk
  httpclose httplog httpslog idle-close-on-response independent-streams ldap-check log-health-checks
  log-separate-errors logasap mysql-check nolinger originalto pgsql-check prefer-last-server redis-check redispatch
  smtpchk socket-stats splice-auto splice-request splice-response spop-check srvtcpka ssl-hello-chk tcp-check
  tcp-smart-accept tcp-smart-connect tcpka tcplog use-small-buffers`;

const wordsOf = (text: string): string[] => text.trim().split(/\s+/);

export const BACKEND_KEYWORDS: readonly KeywordRow[] = [
  ...wordsOf(NEUTRAL).map(keyword => row(keyword, 0)),
  ...wordsOf(NEUTRAL_OPTIONS).map(option => row(`option ${option}`, 0)),
  row('balance', 0),
  row('cookie', 0),
  row('cookie dynamic', 0, except('any', FROM_ADDRESSES)),
  row('mode', 0),
  row('dynamic-cookie-key', 0, except('move recheck add', FROM_ADDRESSES)),
  row('force-persist', 0, PERSISTS),
  row('ignore-persist', 0),
  row(
    'option external-check',
    0,
    except('recheck enable add', 'HAProxy may end with a fault when such a check begins'),
  ),
  row('load-server-state-from-file local', 0, except('any', 'a start takes weights and states from its file')),
  row('option persist', 0, PERSISTS),
  row('persist', 0, NUMBERED, except('move recheck', 'the cookie names an address')),
  row('source', 0),
  row('source usesrc', 0, except('move recheck add', 'its connections carry the address of a client')),
  row('stick', 0, NUMBERED),
  row('stick-table', 0, NUMBERED),
  row('use-server', 0),
];

/** `option` is followed by its name; a line may begin with `no`. */
export function keywordOf(line: readonly string[]): string {
  const words = line[0] === 'no' ? line.slice(1) : line;
  return words[0] === 'option' ? `option ${words[1] ?? ''}` : (words[0] ?? '');
}
