import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {startDaemon} from '../support/daemon.ts';
import {exchange} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {haproxiesUnderTest} from '../support/haproxies.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import type {LogLine} from '../support/output.ts';
import {waitFor} from '../support/wait.ts';

/** `option httplog` written out, with more after the request. */
const TAIL =
  'log-format "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r;%{+Q}[capture.req.hdr(0)] %ID"';

/** Escapes, quotes and what would be one if it was taken at its word. */
const HOSTILE = 'a"b {x}\\\u001b[2J\u007f \\x41';

/** `fields` are what a line of `GET /a"b` must hold. */
const FORMATS: readonly {
  readonly what: string;
  readonly since: readonly [number, number];
  readonly line: string;
  readonly fields: Readonly<Record<string, unknown>>;
}[] = [
  {
    what: 'a log-format that goes on after the request',
    since: [1, 7],
    line: TAIL,
    fields: {format: 'http', http_request: 'GET /a#22b HTTP/1.1', http_uri: '/a#22b', status_code: 403},
  },
  {
    what: 'option httpslog',
    since: [2, 5],
    line: 'option httpslog',
    fields: {
      format: 'https',
      http_request: 'GET /a#22b HTTP/1.1',
      fc_err: 0,
      ssl_version: null,
    },
  },
  {
    what: 'JSON',
    since: [3, 0],
    line: 'log-format "%{+json}o%(status)ST%(request)r%(agent)[capture.req.hdr(0)]%(pid:sint)pid%(tls:bool)[ssl_fc]"',
    fields: {
      format: 'encoded',
      status: 403,
      request: 'GET /a#22b HTTP/1.1',
      agent: 'a"b {x}\\\\x1B[2J\\x7F \\x41',
      tls: false,
    },
  },
  {
    what: 'CBOR',
    since: [3, 0],
    line: 'log-format "%{+cbor}o%(status:sint)ST%(request)r%(agent)[capture.req.hdr(0)]%(host)[var(txn.x)]"',
    fields: {
      format: 'encoded',
      status: 403,
      request: 'GET /a#22b HTTP/1.1',
      agent: 'a"b {x}\\\\x1B[2J\\x7F \\x41',
      host: null,
    },
  },
];

const templateOf = (port: number, line: string): string => `
defaults
  mode http
  log global
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend web
  bind 127.0.0.1:${port}
  capture request header User-Agent len 40
  ${line}
  http-request deny
`;

for (const {name, binary, skip} of haproxiesUnderTest()) {
  describe(`log formats, ${name}`, {skip, timeout: 120_000}, () => {
    for (const {what, since, line, fields} of FORMATS) {
      test(`${what} -> its fields, whatever a client sends`, {
        skip: skip === false && !haproxyIsAtLeast(...since, binary) && `of HAProxy ${since.join('.')}`,
      }, async () => {
        const port = await freePort();
        await using daemon = await startDaemon({template: templateOf(port, line), env: {KONTROL_HAPROXY: binary}});
        await daemon.waitFor(({inSync}) => inSync, 'a serving daemon', 30_000);
        const segments = [`GET /a"b HTTP/1.1\r\nHost: a\r\nUser-Agent: ${HOSTILE}\r\nConnection: close\r\n\r\n`];
        await exchange({host: '127.0.0.1', port, segments, timeoutMs: 5000});
        const seen: LogLine = await waitFor(
          () => daemon.logs.find(one => one.room === 'access' && /GET \/a/.test(JSON.stringify(one))),
          'the request',
          {evidence: () => JSON.stringify(daemon.logs.slice(-5))},
        );
        assert.deepEqual(seen, {...seen, ...fields});
        assert.equal(seen.pid, (await daemon.status())?.proxy.pid);
        if (line === TAIL) assert.match(String(seen.after_request), /^;"a"b/);
      });
    }
  });
}
