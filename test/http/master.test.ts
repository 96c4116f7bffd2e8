import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {after, before, beforeEach, describe, test} from 'node:test';
import {type Listening, listen} from '../../src/http/listen.ts';
import {createMaster, masterConnections, type Reception} from '../../src/http/master.ts';
import {digestHosts} from '../../src/members/hosts.ts';
import type {Hosts} from '../../src/members/member.ts';
import {systemClock} from '../../src/ports/clock.ts';
import {openLog} from '../../src/ports/log.ts';
import {waitFor} from '../support/wait.ts';
import {ipv6Missing} from './ipv6.ts';
import {askRaw, openRaw, type RawClient} from './raw-client.ts';

const PINGS = readFileSync(new URL('../fixtures/pings.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const FIRST_PING = PINGS[0] ?? '';

/** What python-requests sends with a ping; each suite below leaves out or adds one line. */
const headOf = (body: string, contentType: string[] = ['Content-Type: application/json']): string =>
  [
    'PUT /ping HTTP/1.1',
    'Host: kontrol.default.svc:8000',
    'User-Agent: python-requests/2.12.1',
    'Accept-Encoding: gzip, deflate',
    'Accept: */*',
    'Connection: keep-alive',
    ...contentType,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '\r\n',
  ].join('\r\n');

const requestOf = (method: string, path: string, body = ''): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe('master endpoint', () => {
  const received: {body: string; remoteAddress: string}[] = [];
  const logged: {level: number; msg: string; remoteAddress?: string; reason?: string}[] = [];
  let reception: () => Reception;
  let hosts: Hosts | undefined;
  let server: Listening;

  before(async () => {
    const {log} = openLog('debug', {write: line => logged.push(JSON.parse(line))});
    const app = createMaster({
      receive(body, remoteAddress) {
        received.push({body: body.toString(), remoteAddress});
        return reception();
      },
      appliedHosts: () => hosts,
      clock: systemClock,
      log,
    });
    server = await listen(app, {port: 0, label: 'master endpoint', clock: systemClock, maxConnections: 1000});
  });
  beforeEach(() => {
    for (const record of [received, logged]) record.length = 0;
    reception = () => ({is: 'accepted'});
    hosts = undefined;
  });
  after(() => server.close());

  for (const [name, contentType] of Object.entries({
    'application/json': ['Content-Type: application/json'],
    'text/plain': ['Content-Type: text/plain; charset=utf-8'],
    'a malformed one': ['Content-Type: ;;json'],
    none: [],
  })) {
    test(`ping in two segments, content type ${name} -> 200, empty, Content-Length 0`, async () => {
      for (const ping of PINGS) {
        const answer = await askRaw(server.port, [headOf(ping, contentType), ping]);
        assert.equal(answer.status, 200);
        assert.match(answer.head, /^content-length: 0$/im);
        assert.equal(answer.body, '');
      }
      assert.deepEqual(
        received.map(({body}) => body),
        PINGS,
      );
      assert.deepEqual(logged, []);
    });
  }

  test('ping cut inside its headers and its body -> the same bytes', async () => {
    const bytes = headOf(FIRST_PING) + FIRST_PING;
    const answer = await askRaw(server.port, [bytes.slice(0, 30), bytes.slice(30, -40), bytes.slice(-40)]);
    assert.equal(answer.status, 200);
    assert.equal(received[0]?.body, FIRST_PING);
  });

  test('ping in chunks -> the same bytes', async () => {
    const head = 'PUT /ping HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const chunks = [FIRST_PING.slice(0, 9), FIRST_PING.slice(9)].map(c => `${c.length.toString(16)}\r\n${c}\r\n`);
    assert.equal((await askRaw(server.port, [head, ...chunks, '0\r\n\r\n'])).status, 200);
    assert.equal(received[0]?.body, FIRST_PING);
  });

  test('ping in chunks of a byte, many in a read -> the same bytes', async () => {
    const head = 'PUT /ping HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
    const ping = FIRST_PING.padEnd(20_000);
    const chunks = [...ping].map(letter => `1\r\n${letter}\r\n`).join('');
    assert.equal((await askRaw(server.port, [`${head}${chunks}0\r\n\r\n`])).status, 200);
    assert.equal(received[0]?.body, ping);
  });

  test('ping over IPv6 -> received with its IPv6 address', {skip: ipv6Missing}, async () => {
    assert.equal((await askRaw(server.port, [headOf(FIRST_PING), FIRST_PING], '::1')).status, 200);
    assert.equal(received[0]?.remoteAddress, '::1');
  });

  test('pings pipelined on one connection -> answered in order', async () => {
    const client = await openRaw(server.port, [PINGS.map(ping => headOf(ping) + ping).join('')]);
    const answers = await client.answers(PINGS.length);
    assert.deepEqual(
      answers.map(({status}) => status),
      PINGS.map(() => 200),
    );
    client.socket.destroy();
  });

  test('ping that is bad -> 400 that names the field', async () => {
    reception = () => ({is: 'bad', field: 'ip', reason: 'cannot parse ping: ip "10.0.0.300" is not an IP address'});
    const answer = await askRaw(server.port, [requestOf('PUT', '/ping', '{}')]);
    assert.equal(answer.status, 400);
    assert.deepEqual(JSON.parse(answer.body), {
      error: 'bad ping',
      field: 'ip',
      reason: 'cannot parse ping: ip "10.0.0.300" is not an IP address',
    });
  });

  test('ping without a body -> received as no bytes', async () => {
    await askRaw(server.port, ['PUT /ping HTTP/1.1\r\nHost: a\r\n\r\n']);
    assert.equal(received[0]?.body, '');
  });

  for (const is of ['refused', 'unavailable'] as const) {
    test(`ping ${is} -> 503 with the reason`, async () => {
      reception = () => ({is, reason: 'cannot add member: 20000 members are the most'});
      const answer = await askRaw(server.port, [requestOf('PUT', '/ping', FIRST_PING)]);
      assert.equal(answer.status, 503);
      assert.equal(JSON.parse(answer.body).reason, 'cannot add member: 20000 members are the most');
    });
  }

  test('ping of 64 KiB and one of a byte more -> 200 and 413', async () => {
    const limit = 64 * 1024;
    assert.equal((await askRaw(server.port, [requestOf('PUT', '/ping', 'x'.repeat(limit))])).status, 200);
    const answer = await askRaw(server.port, [requestOf('PUT', '/ping', 'x'.repeat(limit + 1))]);
    assert.equal(answer.status, 413);
    assert.equal(JSON.parse(answer.body).error, 'body too large');
    assert.equal(received.length, 1);
  });

  test('ping of 5 MiB, written before anything is read -> 413, not a reset', async () => {
    assert.equal((await askRaw(server.port, [requestOf('PUT', '/ping', 'x'.repeat(5 << 20))])).status, 413);
  });

  test('known path, wrong method -> 405 with Allow', async () => {
    for (const [method, path, allow] of [
      ['GET', '/ping', 'PUT'],
      ['POST', '/ping?a=b', 'PUT'],
      ['PROPFIND', '/ping', 'PUT'],
      ['DELETE', '/state', 'GET, HEAD'],
      ['POST', '/script', 'PUT'],
      ['GET', '/down', 'POST'],
    ] as const) {
      const answer = await askRaw(server.port, [requestOf(method, path)]);
      assert.equal(answer.status, 405, `${method} ${path}`);
      assert.match(answer.head, new RegExp(`^allow: ${allow}$`, 'im'));
      assert.match(JSON.parse(answer.body).reason, new RegExp(allow));
    }
  });

  test('unknown path -> 404 that names the known ones', async () => {
    for (const path of ['/', '/pings', '/%zz', '/ping/']) {
      const answer = await askRaw(server.port, [requestOf('PUT', path, FIRST_PING)]);
      assert.equal(answer.status, path === '/%zz' ? 400 : 404, path);
      const {reason} = JSON.parse(answer.body);
      assert.match(
        reason,
        path === '/%zz' ? /./ : /\/ping, \/state.*; \/status and its like are on KONTROL_STATUS_PORT$/,
      );
    }
    assert.equal(received.length, 0);
  });

  test('old fault 7, script and down -> 403 that says what to use instead', async () => {
    const script = await askRaw(server.port, [requestOf('PUT', '/script', '{"cmd": "id"}')]);
    const down = await askRaw(server.port, [requestOf('POST', '/down')]);
    assert.deepEqual([script.status, down.status], [403, 403]);
    assert.match(JSON.parse(script.body).reason, /control socket/);
    assert.match(JSON.parse(down.body).reason, /SIGTERM/);
  });

  test('state, before and after the first configuration -> md5 null, then as applied', async () => {
    const first = await askRaw(server.port, [requestOf('GET', '/state')]);
    assert.deepEqual(JSON.parse(first.body), {md5: null, hosts: {}});
    hosts = new Map([['web', ['10.2.0.17', '10.2.3.41']]]);
    const second = await askRaw(server.port, [requestOf('GET', '/state')]);
    assert.deepEqual(JSON.parse(second.body), {
      md5: digestHosts(hosts),
      hosts: {web: ['10.2.0.17', '10.2.3.41']},
    });
  });

  test('state, HEAD -> the length without the body', async () => {
    const client = await openRaw(server.port, ['HEAD /state HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n']);
    await waitFor(client.isClosed, 'the end of the answer');
    assert.match(client.received(), /^HTTP\/1.1 200 OK\r\n/);
    assert.match(client.received(), /content-length: 23\r\n/);
    assert.ok(client.received().endsWith('\r\n\r\n'));
  });

  test('handler that throws -> 500, logged, and the next ping is answered', async () => {
    reception = () => {
      throw new Error('no such member');
    };
    const answer = await askRaw(server.port, [requestOf('PUT', '/ping', FIRST_PING)]);
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.body, /no such member/);
    assert.deepEqual(
      logged.map(({msg}) => msg),
      ['request failed'],
    );
    reception = () => ({is: 'accepted'});
    assert.equal((await askRaw(server.port, [requestOf('PUT', '/ping', FIRST_PING)])).status, 200);
  });

  test('ping of one who may not -> 403 with the reason', async () => {
    reception = () => ({is: 'forbidden', reason: 'no such pod'});
    const answer = await askRaw(server.port, [requestOf('PUT', '/ping', FIRST_PING)]);
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [403, {error: 'ping forbidden', reason: 'no such pod'}]);
  });

  test('a path that cannot be read -> 400 with the reason; nothing is logged', async () => {
    const answer = await askRaw(server.port, [requestOf('GET', '/%zz')]);
    assert.equal(answer.status, 400);
    assert.equal(JSON.parse(answer.body).error, 'bad request');
    assert.deepEqual(logged, []);
  });

  for (const [statusCode, status] of [
    [undefined, 500],
    [418, 418],
    [499, 499],
    [500, 500],
    [503, 500],
  ] as const) {
    test(`a fault whose status is ${statusCode ?? 'not said'} -> ${status}; told the sender when it is the sender's own`, async () => {
      reception = () => {
        throw Object.assign(new Error('as it is'), {statusCode});
      };
      const answer = await askRaw(server.port, [requestOf('PUT', '/ping', FIRST_PING)]);
      const isOwn = status < 500;
      assert.equal(answer.status, status);
      assert.equal(JSON.parse(answer.body).error, isOwn ? 'bad request' : 'internal error');
      assert.equal(JSON.parse(answer.body).reason.includes('as it is'), isOwn);
      assert.equal(logged.length, isOwn ? 0 : 1);
    });
  }

  test('connections -> one for each member, and a burst beside', () => assert.equal(masterConnections(10_000), 18_192));

  test('limits on slow clients -> those that docs name', () => {
    const {log} = openLog('error', {write: () => {}});
    const app = createMaster({receive: reception, appliedHosts: () => hosts, clock: systemClock, log});
    const {headersTimeout, requestTimeout, keepAliveTimeout, timeout} = app.server;
    assert.deepEqual([headersTimeout, requestTimeout, keepAliveTimeout, timeout], [5000, 10_000, 5000, 15_000]);
  });

  test('bytes that are no HTTP -> 400, closed, logged at debug', async () => {
    const client = await openRaw(server.port, ['hello there\r\n\r\n']);
    await waitFor(client.isClosed, 'the close');
    assert.match(client.received(), /^HTTP\/1.1 400 Bad Request\r\n/);
    assert.deepEqual(
      logged.map(({level}) => level),
      [20],
    );
  });

  test('slow clients (silent, headers trickled, idle after an answer) -> cut; a body trickled -> cut', async () => {
    const silent = await openRaw(server.port, []);
    const headers = await openRaw(server.port, ['PUT /ping HTTP/1.1\r\n']);
    const idle = await openRaw(server.port, [headOf(FIRST_PING) + FIRST_PING]);
    const body = await openRaw(server.port, [headOf(FIRST_PING)]);
    const trickle = setInterval(() => {
      headers.socket.write('X-A: b\r\n');
      body.socket.write(' ');
    }, 250);
    try {
      const isCut = (clients: RawClient[]) => clients.every(client => client.isClosed());
      await waitFor(() => isCut([silent, headers, idle]), 'the cut', {timeoutMs: 9000});
      assert.match(headers.received(), /^HTTP\/1.1 408 /);
      await waitFor(() => isCut([body]), 'the cut', {timeoutMs: 7000});
      assert.match(body.received(), /^HTTP\/1.1 408 /);
      assert.equal(received.length, 1);
    } finally {
      clearInterval(trickle);
    }
  });

  test('999 connections open and idle -> a ping is answered while they stay', async () => {
    const idle = await Promise.all(Array.from({length: 999}, () => openRaw(server.port, [])));
    assert.equal((await askRaw(server.port, [headOf(FIRST_PING), FIRST_PING])).status, 200);
    assert.equal(idle.filter(({isClosed}) => isClosed()).length, 0);
    for (const {socket} of idle) socket.destroy();
  });
});
