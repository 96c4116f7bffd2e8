import assert from 'node:assert/strict';
import {test} from 'node:test';
import {parseAccessLine} from '../../src/proxy/access-line.ts';
import {fullCap, takeLine} from '../../src/proxy/access-log.ts';
import {logsToLocalSyslog} from '../../src/proxy/log-targets.ts';
import {parseSyslog} from '../../src/proxy/syslog.ts';
import {fc} from '../support/properties.ts';

const HTTP =
  '10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html?a=b HTTP/1.1"';

test('access line, httplog with captures -> every field of the manual by its name', () => {
  assert.deepEqual(parseAccessLine(HTTP), {
    format: 'http',
    fields: {
      client_ip: '10.0.1.2',
      client_port: 33317,
      request_date: '06/Feb/2009:12:14:14.655',
      frontend_name: 'http-in',
      backend_name: 'static',
      server_name: 'srv1',
      TR: 10,
      Tw: 0,
      Tc: 30,
      Tr: 69,
      Ta: 109,
      status_code: 200,
      bytes_read: 2750,
      captured_request_cookie: null,
      captured_response_cookie: null,
      termination_state: '----',
      actconn: 1,
      feconn: 1,
      beconn: 1,
      srv_conn: 1,
      retries: 0,
      srv_queue: 0,
      backend_queue: 0,
      captured_request_headers: '1wt.eu',
      captured_response_headers: '',
      http_request: 'GET /index.html?a=b HTTP/1.1',
      http_method: 'GET',
      http_uri: '/index.html?a=b',
      http_version: 'HTTP/1.1',
    },
  });
});

/** The message of a datagram whose text this is, as the daemon reads it. */
const syslogMessage = (text: string): string =>
  parseSyslog(Buffer.from(`<134>Nov 28 20:16:24 haproxy[1]: ${text}\n`))?.message ?? '';

const ROWS: [string, string, string, Record<string, unknown>][] = [
  [
    'a request that never came',
    '::1:4 [06/Feb/2009:12:14:14.655] web~ web/<NOSRV> -1/-1/-1/-1/+5 400 +187 - - PR-- 2/2/0/0/+3 0/0 "<BADREQ>"',
    'http',
    {
      client_ip: '::1',
      client_port: 4,
      frontend_name: 'web~',
      server_name: '<NOSRV>',
      TR: null,
      Ta: 5,
      status_code: 400,
    },
  ],
  [
    'a negative zero, which a damaged line held (fuzzed)',
    '::1:4 [06/Feb/2009:12:14:14.655] web web/a 0/0/0/1/5 -00 187 - - ---- 2/2/0/0/0 0/0 "GET / HTTP/1.1"',
    'http',
    {status_code: null},
  ],
  [
    'redispatched and logged early',
    '::1:4 [06/Feb/2009:12:14:14.655] web web/a 0/0/0/1/+5 200 +187 - - ---- 2/2/0/0/+3 0/0 "GET / HTTP/1.1"',
    'http',
    {retries: 3, redispatched: true, logasap: true, bytes_read: 187},
  ],
  [
    'a request cut by the length limit',
    '1.2.3.4:5 [06/Feb/2009:12:14:14.655] web web/a 0/0/0/1/5 200 1 - - ---- 2/2/0/0/0 0/0 "GET /aaaaaaaa',
    'http',
    {http_request: 'GET /aaaaaaaa', http_method: 'GET', http_uri: '/aaaaaaaa'},
  ],
  [
    'quotes in the request, which HAProxy has always encoded (recorded from 1.7.5, 2.6 and 3.2)',
    '1.2.3.4:5 [06/Feb/2009:12:14:14.655] web web/a 0/0/0/1/5 200 1 - - ---- 2/2/0/0/0 0/0 {a#22b #7Bx#7D\\\\#1B} "GET /a#22b?x={y} HTTP/1.0"',
    'http',
    {
      http_request: 'GET /a#22b?x={y} HTTP/1.0',
      http_uri: '/a#22b?x={y}',
      captured_request_headers: 'a#22b #7Bx#7D\\\\#1B',
    },
  ],
  [
    'a log-format that goes on after the request',
    '1.2.3.4:5 [06/Feb/2009:12:14:14.655] web web/a 0/0/0/1/5 200 1 - - ---- 2/2/0/0/0 0/0 "GET /a HTTP/1.0";"x" 0A00:7F',
    'http',
    {http_request: 'GET /a HTTP/1.0', http_uri: '/a', http_version: 'HTTP/1.0', after_request: ';"x" 0A00:7F'},
  ],
  [
    'no request and more after it',
    '1.2.3.4:5 [06/Feb/2009:12:14:14.655] web web/a -1/-1/-1/-1/5 400 1 - - PR-- 2/2/0/0/0 0/0 "<BADREQ>" x y',
    'http',
    {http_request: '<BADREQ>', after_request: 'x y'},
  ],
  [
    'httpslog',
    '1.2.3.4:5 [06/Feb/2009:12:14:14.655] web~ web/a 0/0/0/1/5 200 1 - - LR-- 1/1/0/0/0 0/0 {test} "GET / HTTP/1.1" 0/0000000000000000/0/0/1 a.example/TLSv1.3/TLS_AES_256_GCM_SHA384',
    'https',
    {
      http_request: 'GET / HTTP/1.1',
      fc_err: 0,
      ssl_fc_err: '0000000000000000',
      ssl_c_err: 0,
      ssl_c_ca_err: 0,
      ssl_fc_is_resumed: true,
      ssl_fc_sni: 'a.example',
      ssl_version: 'TLSv1.3',
      ssl_ciphers: 'TLS_AES_256_GCM_SHA384',
    },
  ],
  [
    'httpslog of a connection in plain text',
    '1.2.3.4:5 [06/Feb/2009:12:14:14.655] web web/a 0/0/0/1/5 200 1 - - LR-- 1/1/0/0/0 0/0 "GET / HTTP/1.1" 0/-/-/-/0 -/-/-',
    'https',
    {fc_err: 0, ssl_fc_err: null, ssl_c_err: null, ssl_fc_is_resumed: false, ssl_fc_sni: null, ssl_ciphers: null},
  ],
  [
    'JSON of 3.2, a hostile header within',
    String.raw`{"client_ip": "127.0.0.1", "client_port": 60178, "ua": "a\"b {x}\\\u001B\u007F\u00C3 z", "none": "", "flag": false}`,
    'encoded',
    {client_ip: '127.0.0.1', client_port: 60178, ua: `${String.raw`a"b {x}\\x1B\x7F`}Ã z`, none: '', flag: false},
  ],
  [
    'JSON of 3.0 and 3.4, which leave control characters as they came',
    syslogMessage(`${String.raw`{"ua": "a\"b\\x41\\`}\u001b\u007f z", "pid": 3}`),
    'encoded',
    {ua: String.raw`a"b\x41\\x1B\x7F z`, log_pid: 3},
  ],
  [
    'JSON that was cut',
    '{"client_ip": "127.0.0.1", "client_po',
    'other',
    {message: '{"client_ip": "127.0.0.1", "client_po'},
  ],
  [
    'CBOR of 3.2',
    'BF69636C69656E745F6970693132372E302E302E316B636C69656E745F706F727419E9B0627561F66B7374617475735F636F64651901906C687474705F726571756573747F683C4241445245513EFF646E6F6E65F66474696D650064666C6167F4FF',
    'encoded',
    {
      client_ip: '127.0.0.1',
      client_port: 59824,
      ua: null,
      status_code: 400,
      http_request: '<BADREQ>',
      log_time: 0,
      flag: false,
    },
  ],
  ['CBOR that was cut', 'BF69636C6965', 'other', {message: 'BF69636C6965'}],
  [
    'tcplog',
    '10.0.1.2:33313 [06/Feb/2009:12:12:51.443] fnt bck/srv1 0/-1/5007 212 SC 0/0/0/0/3 0/0',
    'tcp',
    {Tw: 0, Tc: null, Tt: 5007, bytes_read: 212, termination_state: 'SC', retries: 3},
  ],
  [
    'no log option',
    'Connect from 10.0.1.2:33312 to 10.0.3.31:8012 (www/HTTP)',
    'default',
    {source_ip: '10.0.1.2', source_port: 33312, destination_port: 8012, frontend_name: 'www', mode: 'HTTP'},
  ],
  [
    'a failed handshake',
    '127.0.0.1:5 [03/Dec/2012:17:35:10.380] frt/f1: Connection error during SSL handshake',
    'error',
    {frontend_name: 'frt', bind_name: 'f1', error: 'Connection error during SSL handshake'},
  ],
  ['a notice', 'Proxy web started.', 'other', {message: 'Proxy web started.'}],
  ['nothing', '', 'other', {message: ''}],
];

for (const [situation, message, format, expected] of ROWS) {
  test(`access line, ${situation} -> ${format}`, () => {
    const line = parseAccessLine(message);
    assert.equal(line.format, format);
    assert.deepEqual(line.fields, {...line.fields, ...expected});
  });
}

test('access line, any text -> never throws, and says what it could not read', () => {
  fc.assert(fc.property(fc.string({unit: 'binary'}), text => parseAccessLine(text).fields !== undefined));
});

test('access line, a hostile long line -> read in linear time', () => {
  for (const piece of ['"', '/', '{', '} ', '1/', ': ', 'a ']) {
    const line = `1.2.3.4:5 [06/Feb/2009:12:14:14.655] web web/a 0/0/0/1/5 200 1 - - ---- 2/2/0/0/0 0/0 {${piece.repeat(60_000)}`;
    for (const text of [line, piece.repeat(60_000)]) parseAccessLine(text);
  }
});

test('syslog, with and without a host -> the tag is taken off; control characters are escaped', () => {
  const read = (text: string) => parseSyslog(Buffer.from(text));
  assert.deepEqual(read('<134>Nov 25 09:04:00 haproxy[123]: a\u001b[2Jb\n'), {
    severity: 6,
    pid: 123,
    message: 'a\\x1B[2Jb',
  });
  assert.deepEqual(read('<133>Nov  5 09:04:00 host.example haproxy[7]: x'), {severity: 5, pid: 7, message: 'x'});
  assert.deepEqual(read('<133>Nov  5 09:04:00 haproxy[7]: {"a": 1}'), {severity: 5, pid: 7, message: '{"a": 1}'});
  assert.deepEqual(read('<133>Nov  5 09:04:00 ::1 haproxy: a: b'), {severity: 5, pid: undefined, message: 'a: b'});
  for (const text of ['', 'hello', '<999999>x', '{"a":1}', '<134>']) assert.equal(read(text), undefined, text);
});

test('syslog, any bytes -> never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      parseSyslog(bytes);
    }),
  );
});

test('a request without its version -> no field without a value', () => {
  const {fields} = parseAccessLine(
    '1.2.3.4:5 [06/Feb/2009:12:14:14.655] web web/a 0/0/0/1/5 200 1 - - ---- 2/2/0/0/0 0/0 "GET /',
  );
  assert.equal(fields.http_uri, '/');
  assert.ok(!Object.values(fields).includes(undefined as never));
});

test('rate cap, a burst -> one second of it passes, then as many as time brings', () => {
  let cap = fullCap(10, 0);
  const take = (nowMs: number) => {
    const [passes, next] = takeLine(cap, 10, nowMs);
    cap = next;
    return passes;
  };
  assert.equal(Array.from({length: 50}, () => take(0)).filter(Boolean).length, 10);
  assert.equal(take(99), false);
  assert.equal(take(200), true);
  assert.equal(Array.from({length: 50}, () => take(60_000)).filter(Boolean).length, 10);
});

test('log targets, templates old and new -> only syslog on loopback counts', () => {
  const rows: [string, boolean][] = [
    ['global\n  log 127.0.0.1 local0', true],
    ['global\n  log localhost:514 local0 notice', true],
    ['global\n  log 127.0.0.1:1514 local0', false],
    ['global\n  log /dev/log local0', false],
    ['global\n  log 10.0.0.1 local0', false],
    ['defaults\n  log global', false],
    ['global\n  # log 127.0.0.1 local0', false],
  ];
  for (const [text, expected] of rows) assert.equal(logsToLocalSyslog(text), expected, text);
});
