import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {exchange, getSegments} from '../support/exchange.ts';
import {freePort} from '../support/free-port.ts';
import {openNamespaces} from '../support/namespaces.ts';
import type {LogLine} from '../support/output.ts';
import {missing} from '../support/parts.ts';
import {machine, type Place} from '../support/place.ts';
import {waitFor} from '../support/wait.ts';

interface Ports {
  readonly http: number;
  readonly tcp: number;
  readonly plain: number;
  readonly custom: number;
  readonly backend: number;
}

/** One frontend for each format that HAProxy writes by itself, and one with its own. */
const templateOf = ({http, tcp, plain, custom, backend}: Ports, global = ''): string => `
${global}
defaults
  log global
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend http-in
  mode http
  option httplog
  capture request header User-Agent len 20
  bind 127.0.0.1:${http}
  http-request deny if { path /denied }
  default_backend pods
frontend tcp-in
  mode tcp
  option tcplog
  bind 127.0.0.1:${tcp}
  default_backend streams
frontend plain-in
  mode tcp
  bind 127.0.0.1:${plain}
  default_backend streams
frontend custom-in
  mode http
  log-format mine\\ %ci\\ %ST
  bind 127.0.0.1:${custom}
  default_backend pods
backend pods
  mode http
  server one 127.0.0.1:${backend}
backend streams
  mode tcp
  server one 127.0.0.1:${backend}
`;

const accessLines = ({logs}: Daemon): LogLine[] => logs.filter(({room}) => room === 'access');

const get = (place: Place, port: number, path: string, agent = 'test') =>
  place.exchange({
    host: '127.0.0.1',
    port,
    segments: [`GET ${path} HTTP/1.0\r\nHost: a\r\nUser-Agent: ${agent}\r\n\r\n`],
    timeoutMs: 5000,
  });

const see = (daemon: Daemon, wanted: (line: LogLine) => boolean, what: string) =>
  waitFor(() => accessLines(daemon).find(wanted), what, {
    evidence: () => JSON.stringify(accessLines(daemon).slice(-8)).slice(0, 4000),
  });

async function choosePorts(): Promise<Ports> {
  const [http, tcp, plain, custom, backend] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  return {http, tcp, plain, custom, backend};
}

describe('access log of a real HAProxy', {timeout: 120_000}, () => {
  test('one request through each format -> its fields as JSON on stdout', {skip: missing('haproxy')}, async () => {
    const ports = await choosePorts();
    await using _backends = await startBackends([{name: 'one', host: '127.0.0.1', port: ports.backend}]);
    await using daemon = await startDaemon({template: templateOf(ports)});
    await daemon.waitFor(({inSync}) => inSync, 'a serving daemon', 30_000);

    await get(machine, ports.http, '/hello?a=b');
    const http = await see(daemon, line => line.http_uri === '/hello?a=b', 'an HTTP line');
    assert.deepEqual(
      [http.format, http.frontend_name, http.backend_name, http.server_name, http.status_code, http.http_method],
      ['http', 'http-in', 'pods', 'one', 200, 'GET'],
    );
    assert.equal(http.captured_request_headers, 'test');
    assert.equal(http.client_ip, '127.0.0.1');
    for (const name of ['TR', 'Tw', 'Tc', 'Tr', 'Ta', 'bytes_read', 'feconn', 'srv_queue', 'client_port']) {
      assert.equal(typeof http[name], 'number', name);
    }
    assert.equal(http.pid, (await daemon.status())?.proxy.pid);

    await get(machine, ports.http, '/denied');
    const denied = await see(daemon, line => line.status_code === 403, 'a denied request');
    assert.deepEqual([denied.server_name, denied.Tc], ['<NOSRV>', null]);

    await get(machine, ports.tcp, '/');
    const tcp = await see(daemon, line => line.format === 'tcp', 'a TCP line');
    assert.deepEqual([tcp.frontend_name, tcp.server_name, tcp.termination_state], ['tcp-in', 'one', '--']);
    assert.equal(typeof tcp.Tt, 'number');

    await get(machine, ports.plain, '/');
    const plain = await see(daemon, line => line.format === 'default', 'a plain line');
    assert.deepEqual([plain.frontend_name, plain.destination_port, plain.mode], ['plain-in', ports.plain, 'TCP']);

    await get(machine, ports.custom, '/');
    const custom = await see(daemon, line => String(line.message).startsWith('mine '), 'a line of its own format');
    assert.deepEqual([custom.format, custom.message], ['other', 'mine 127.0.0.1 200']);
  });

  test('hostile requests -> each is one sound line, the daemon goes on', {skip: missing('haproxy')}, async () => {
    const ports = await choosePorts();
    await using _backends = await startBackends([{name: 'one', host: '127.0.0.1', port: ports.backend}]);
    await using daemon = await startDaemon({template: templateOf(ports)});
    await daemon.waitFor(({inSync}) => inSync, 'a serving daemon', 30_000);
    const hostile = ['\u001b[2J\u0007', '"} {"level":60,"msg":"forged"', '\\', '{}{', '%0a%0d', 'é'.repeat(10)];
    for (const agent of hostile) await get(machine, ports.http, '/hostile', agent);
    await get(machine, ports.http, `/long?${'x'.repeat(7000)}`);
    await exchange({host: '127.0.0.1', port: ports.http, segments: ['\u0001\u0002 nonsense\r\n\r\n'], timeoutMs: 2000});
    // HAProxy itself cuts it (tune.http.logurilen): a line that ends in the middle is read all the same.
    const long = await see(daemon, line => String(line.http_uri).startsWith('/long?'), 'the long request');
    assert.ok(String(long.http_uri).length > 1000 && long.http_method === 'GET', String(long.http_request));
    await see(daemon, line => line.http_request === '<BADREQ>', 'the nonsense');
    await waitFor(
      () => accessLines(daemon).filter(line => line.http_uri === '/hostile').length === hostile.length,
      'all',
    );
    assert.deepEqual(
      daemon.logs.filter(line => 'raw' in line || line.msg === 'forged'),
      [],
    );
    assert.equal((await daemon.status())?.inSync, true);
  });

  test('a template of 2017 that logs to 127.0.0.1 -> served on port 514, each line once', {
    skip: missing('haproxy', 'root', 'netns'),
  }, async () => {
    const ports: Ports = {http: 8080, tcp: 8081, plain: 8082, custom: 8083, backend: 8084};
    await using net = await openNamespaces();
    await using _backends = await startBackends([{name: 'one', host: '127.0.0.1', port: ports.backend}], net.proxy);
    const template = templateOf(ports, 'global\n  log 127.0.0.1 local0');
    await using daemon = await startDaemon({template, place: net.proxy});
    await daemon.waitFor(({inSync}) => inSync, 'a serving daemon', 30_000);
    await get(net.proxy, ports.http, '/once');
    await get(net.proxy, ports.http, '/last');
    await see(daemon, line => line.http_uri === '/last', 'the last request');
    assert.equal(accessLines(daemon).filter(line => line.http_uri === '/once').length, 1);
  });

  test('switched off -> HAProxy is told of no target, nothing is written', {skip: missing('haproxy')}, async () => {
    const ports = await choosePorts();
    await using daemon = await startDaemon({template: templateOf(ports), env: {KONTROL_ACCESS_LOG: 'off'}});
    await daemon.waitFor(({inSync}) => inSync, 'a serving daemon', 30_000);
    await exchange({host: '127.0.0.1', port: ports.http, segments: getSegments('/denied', 'a'), timeoutMs: 5000});
    const status = await daemon.status();
    assert.equal((status as {accessLog?: unknown} | undefined)?.accessLog, null);
    assert.deepEqual(accessLines(daemon), []);
  });
});
