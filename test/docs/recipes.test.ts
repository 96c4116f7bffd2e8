import assert from 'node:assert/strict';
import {once} from 'node:events';
import {mkdirSync, writeFileSync} from 'node:fs';
import {request as httpRequest, type IncomingHttpHeaders} from 'node:http';
import {connect as connectHttp2} from 'node:http2';
import {request as httpsRequest} from 'node:https';
import {join} from 'node:path';
import {text as textOf} from 'node:stream/consumers';
import {after, before, describe, test} from 'node:test';
import {createStandIn} from '../../src/certs/stand-in.ts';
import {checkWith} from '../../src/commands/check.ts';
import {systemSpawn} from '../../src/ports/spawn.ts';
import {parseStat} from '../../src/proxy/answers.ts';
import {ask} from '../../src/proxy/runtime.ts';
import type {TemplateVariables} from '../../src/template/input.ts';
import {createRenderer} from '../../src/template/renderer.ts';
import {podsOf} from '../../src/template/sample.ts';
import {callCommand} from '../commands/call-command.ts';
import {openFolder} from '../support/folder.ts';
import {freePort} from '../support/free-port.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {haproxyBinary, haproxyLacksTls, missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';
import {inputOf} from '../template/fixtures.ts';
import {HOSTS, type RecipePods, startRecipePods} from './recipe-pods.ts';
import {FRAME, RECIPES, type Recipe} from './recipes.ts';

const renderer = createRenderer({timeoutMs: 20_000});
const lacksTls = haproxyLacksTls() !== false;
/** Those that the HAProxy under test takes. */
const taken = RECIPES.filter(
  ({from, template}) => haproxyIsAtLeast(...from) && !(lacksTls && template.includes('ssl crt')),
);
const skip = (name: string): string | false =>
  missing('haproxy') || (!taken.some(recipe => recipe.name === name) && 'this HAProxy does not take it');

const PAYLOADS: Readonly<Record<string, TemplateVariables['pods'][number]['payload']>> = {
  'web-1': {color: 'blue', weight: 20},
  'web-2': {color: 'green', weight: 'heavy'},
};
const [first, second] = [
  {app: 'haproxy', id: 'proxy-1', ip: '127.0.9.21', key: 'a', role: 'balancer', seq: 8, payload: ''},
  {app: 'haproxy', id: 'proxy-2', ip: '127.0.9.22', key: 'b', role: 'balancer', seq: 9, payload: ''},
];

const VARIABLES: Partial<TemplateVariables> = {
  hosts: HOSTS,
  pods: [...podsOf(HOSTS).map(pod => ({...pod, payload: PAYLOADS[pod.id] ?? ''})), first, second],
  labels: {app: 'haproxy', role: 'balancer'},
};

const render = ({template}: Recipe, variables: Partial<TemplateVariables> = {}): Promise<string> =>
  renderer.render(inputOf(`${FRAME}\n${template}`, {...VARIABLES, ...variables}), AbortSignal.any([]));

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly localAddress?: string;
  readonly tls?: boolean;
}

interface Answered {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request on a connection of its own. */
async function fetchFrom(port: number, {tls = false, ...asked}: Asked = {}): Promise<Answered> {
  const options = {host: '127.0.0.1', port, agent: false, rejectUnauthorized: false, timeout: 10_000, ...asked};
  const outgoing = tls ? httpsRequest(options) : httpRequest(options);
  outgoing.end();
  const [answer] = await once(outgoing, 'response');
  return {status: answer.statusCode, headers: answer.headers, body: await textOf(answer)};
}

/** What `count` requests in a row were answered with. */
async function bodiesFrom(port: number, count: number, asked: Asked = {}): Promise<string[]> {
  const bodies: string[] = [];
  for (let time = 0; time < count; time += 1) bodies.push((await fetchFrom(port, asked)).body);
  return bodies;
}

describe('docs/recipes.md', {skip: missing('haproxy'), timeout: 120_000}, () => {
  const stack = new AsyncDisposableStack();
  let pods: RecipePods;
  let folder: string;
  /** Where the port of a recipe is really. */
  const ports = new Map<number, number>();
  let socket: string;

  /** Ports of this machine instead of the page's. */
  async function placed(text: string, peerPort: number): Promise<string> {
    for (const [, own] of text.matchAll(/bind \*:(\d+)/g)) {
      if (!ports.has(Number(own))) ports.set(Number(own), await freePort());
    }
    return text
      .replaceAll(/bind \*:(\d+)/g, (_, own) => `bind 127.0.0.1:${ports.get(Number(own))}`)
      .replaceAll(/:9000\b/g, `:${pods.port}`)
      .replaceAll(/:9001\b/g, `:${pods.grpcPort}`)
      .replaceAll(/:10000\b/g, `:${peerPort}`);
  }

  /** A HAProxy that is the peer `name`; its runtime socket, once it answers. */
  async function startHaproxy(name: string, text: string): Promise<string> {
    const [file, own] = [join(folder, `${name}.cfg`), join(folder, `${name}.sock`)];
    writeFileSync(file, `global\n  stats socket ${own} level admin\n${text}`);
    const lines: string[] = [];
    const args = ['-db', '-L', name, '-f', file];
    const child = await systemSpawn.start({file: haproxyBinary, args}, line => lines.push(line));
    stack.defer(async () => {
      child.kill('SIGKILL');
      await child.exited;
    });
    const answers = () => ask(own, 'show info', {timeoutMs: 1000}).catch(() => undefined);
    await waitFor(answers, 'an answer of HAProxy', {evidence: () => lines.join('\n')});
    return own;
  }

  const portOf = (own: number): number => ports.get(own) ?? 0;
  const rowsOf = async (proxy: string) =>
    parseStat(await ask(socket, 'show stat', {timeoutMs: 2000})).filter(row => row.pxname === proxy);
  const serverOf = async (proxy: string, name: string) => (await rowsOf(proxy)).find(row => row.svname === name);
  const untilUp = (proxy: string) =>
    waitFor(
      async () =>
        (await rowsOf(proxy)).every(row => row.svname === 'FRONTEND' || /^(UP|no check)$/.test(row.status ?? '')),
      `${proxy} up`,
    );

  before(async () => {
    folder = stack.use(await openFolder()).path;
    pods = stack.use(await startRecipePods());
    mkdirSync(join(folder, 'certs'));
    writeFileSync(join(folder, 'certs', 'web.pem'), createStandIn('web'));
    const endpointOf = (ip: string, index: number, terminating: boolean) => ({
      ...{
        ip,
        port: pods.port,
        port_name: 'http',
        ports: {http: pods.port},
        zone: 'a',
        node: 'n',
        pod: `web-${index + 1}`,
      },
      ...{ready: !terminating, serving: true, terminating},
    });
    const services = new Map([
      ['web', (HOSTS.get('web') ?? []).map((ip, index) => endpointOf(ip, index, index === 1))],
    ]);
    const variables = {certs: {web: join(folder, 'certs', 'web.pem')}, services};
    const [frame = '', ...texts] = [FRAME, ...(await Promise.all(taken.map(one => render(one, variables))))];
    const peerPort = await freePort();
    const whole = [frame, ...texts.map(text => text.replace(frame.trim(), ''))].join('\n');
    socket = await startHaproxy('proxy-1', await placed(whole, peerPort));
    const limited = taken.find(({name}) => name.startsWith('rate-limits'));
    if (limited === undefined) return;
    const again = (await render(limited)).replace('*:8085', '*:18085');
    await startHaproxy('proxy-2', await placed(again, peerPort));
  });
  after(async () => {
    await stack.disposeAsync();
    renderer[Symbol.dispose]();
  });

  const tools = {renderer, haproxy: haproxyBinary, env: {}};
  for (const recipe of RECIPES) {
    test(`${recipe.name} -> check takes it, with pods and without any, and has nothing to warn of`, {
      skip: skip(recipe.name),
    }, async () => {
      const file = join(folder, `${recipe.name}.j2`);
      writeFileSync(file, `${FRAME}\n${recipe.template}`);
      const ran = await callCommand('check', given => checkWith(given, tools), [
        '--template',
        file,
        '--strict',
        '--werror',
      ]);
      assert.deepEqual([ran.status, ran.stderr], [0, '']);
    });
  }

  test('blue and green -> the live colour alone, the payload says the weight; another annotation turns it round', {
    skip: skip('blue-and-green-and-weights-from-the-payload'),
  }, async () => {
    await untilUp('blue-green');
    assert.deepEqual(new Set(await bodiesFrom(portOf(8081), 6)), new Set(['web-1']));
    const weights = (await rowsOf('blue-green')).filter(row => /^web/.test(row.svname ?? '')).map(row => row.weight);
    assert.deepEqual(weights, ['20', '10']);
    const [recipe] = RECIPES;
    assert.ok(recipe);
    const green = await render(recipe, {annotations: {'example.org/live': 'green'}});
    assert.match(green, /server web-1 .* backup\n.*server web-2 .* weight 10\n/);
  });

  test('slow start -> a server that comes up has less than its weight at first', {
    skip: skip('slow-start'),
  }, async () => {
    await ask(socket, 'disable server slow-start/web-1', {timeoutMs: 2000});
    await ask(socket, 'enable server slow-start/web-1', {timeoutMs: 2000});
    const isSlow = async () => {
      const row = await serverOf('slow-start', 'web-1');
      const weight = Number(row?.weight);
      return /^UP/.test(row?.status ?? '') && weight > 0 && weight < 100;
    };
    await waitFor(isSlow, 'a weight below 100');
  });

  test('outlier ejection -> a server that answers 500 is taken out, though its checks pass', {
    skip: skip('outlier-ejection'),
  }, async () => {
    await untilUp('outliers');
    await bodiesFrom(portOf(8083), 16, {path: '/fail'});
    await waitFor(async () => /^DOWN/.test((await serverOf('outliers', 'web-2'))?.status ?? ''), 'web-2 out');
    assert.deepEqual(new Set(await bodiesFrom(portOf(8083), 4, {path: '/fail'})), new Set(['web-1']));
  });

  test('sticky sessions -> the same pod by its cookie, which is the key of its address', {
    skip: skip('sticky-sessions'),
  }, async () => {
    await untilUp('sticky');
    const {headers, body} = await fetchFrom(portOf(8084));
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const pod = VARIABLES.pods?.find(({id}) => id === body);
    assert.equal(cookie, `SERVED=${pod?.key}`);
    assert.deepEqual(new Set(await bodiesFrom(portOf(8084), 5, {headers: {cookie}})), new Set([body]));
  });

  test('rate limits -> 429 beyond 20 requests, and at the other replica as well', {
    skip: skip('rate-limits-that-all-replicas-share'),
  }, async () => {
    const statusAt = async (own: number) => (await fetchFrom(portOf(own))).status;
    const statuses = new Set<number | undefined>();
    for (let time = 0; time < 22; time += 1) statuses.add(await statusAt(8085));
    assert.ok(statuses.has(200) || statuses.has(503));
    assert.ok(statuses.has(429));
    // They may not have found each other yet: the limit is gone over again meanwhile.
    const isShared = async () => {
      for (let time = 0; time < 11; time += 1) await statusAt(8085);
      return (await statusAt(18_085)) === 429;
    };
    await waitFor(isShared, 'the other replica', {timeoutMs: 60_000});
  });

  test('allow lists -> who is not in it is refused, who is gets through', {skip: skip('allow-lists')}, async () => {
    assert.equal((await fetchFrom(portOf(8086))).status, 403);
    const recipe = RECIPES.find(({name}) => name === 'allow-lists');
    assert.ok(recipe);
    const wider = await render(recipe, {annotations: {'example.org/allow': '127.0.0.0/8'}});
    assert.match(wider, /acl allowed src 127\.0\.0\.0\/8\n/);
  });

  test('HTTPS -> a redirect, and over TLS the header that asks for it', {
    skip: skip('https-redirect-and-hsts'),
  }, async () => {
    await untilUp('https-web');
    const headers = {host: 'example.org'};
    const plain = await fetchFrom(portOf(8087), {path: '/a', headers});
    assert.deepEqual([plain.status, plain.headers.location], [308, 'https://example.org/a']);
    const over = await fetchFrom(portOf(8088), {tls: true, headers});
    assert.match(over.headers['strict-transport-security'] ?? '', /max-age=31536000/);
    assert.deepEqual([over.status, over.headers['x-seen-proto']], [200, 'https']);
  });

  test('CORS -> the preflight answered, the origin allowed; another one is not', {skip: skip('cors')}, async () => {
    await untilUp('cors');
    const origin = 'https://app.example.org';
    const preflight = {method: 'OPTIONS', headers: {origin, 'access-control-request-method': 'PUT'}};
    const asked = await fetchFrom(portOf(8089), preflight);
    assert.deepEqual([asked.status, asked.headers['access-control-allow-origin']], [204, origin]);
    assert.match(asked.headers['access-control-allow-methods'] ?? '', /PUT/);
    const known = await fetchFrom(portOf(8089), {headers: {origin}});
    assert.deepEqual([known.status, known.headers['access-control-allow-origin']], [200, origin]);
    const strange = await fetchFrom(portOf(8089), {headers: {origin: 'https://evil.example'}});
    assert.deepEqual([strange.status, strange.headers['access-control-allow-origin']], [200, undefined]);
  });

  test('WebSockets -> upgraded, what is said comes back', {skip: skip('websockets')}, async () => {
    await untilUp('sockets-live');
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
    };
    const outgoing = httpRequest({host: '127.0.0.1', port: portOf(8090), headers, agent: false, timeout: 10_000}).end();
    const [answer, wire] = await once(outgoing, 'upgrade');
    assert.equal(answer.statusCode, 101);
    wire.write('hello');
    const [said] = await once(wire, 'data');
    assert.equal(String(said), 'hello');
    wire.destroy();
    assert.equal((await fetchFrom(portOf(8090))).status, 200);
  });

  test('gRPC -> body and trailers arrive over HTTP/2', {skip: skip('grpc')}, async () => {
    await untilUp('grpc');
    const session = connectHttp2(`http://127.0.0.1:${portOf(8091)}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/a.B/C',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const trailers = once(stream, 'trailers');
    stream.end('message');
    assert.equal(await textOf(stream), 'message');
    const [{'grpc-status': status}] = await trailers;
    assert.equal(status, '0');
    session.destroy();
  });

  test('maintenance -> served while pods are there; the page without any, or by the annotation', {
    skip: skip('maintenance-page'),
  }, async () => {
    await untilUp('maintained-web');
    assert.equal((await fetchFrom(portOf(8092))).status, 200);
    for (const name of ['web-1', 'web-2'])
      await ask(socket, `disable server maintained-web/${name}`, {timeoutMs: 2000});
    const closed = await fetchFrom(portOf(8092));
    assert.deepEqual([closed.status, closed.body, closed.headers['retry-after']], [503, '<h1>Back soon</h1>', '60']);
    const recipe = RECIPES.find(({name}) => name === 'maintenance-page');
    assert.ok(recipe);
    assert.match(await render(recipe, {annotations: {'example.org/maintenance': 'yes'}}), /acl closed always_true\n/);
  });

  test('draining -> a pod that terminates keeps who has its cookie, and gets nobody else', {
    skip: skip('draining-what-terminates'),
  }, async () => {
    await untilUp('drained');
    assert.deepEqual(new Set(await bodiesFrom(portOf(8094), 4)), new Set(['web-1']));
    const headers = {cookie: 'SERVED=web-2'};
    assert.deepEqual(new Set(await bodiesFrom(portOf(8094), 3, {headers})), new Set(['web-2']));
  });

  test('canary -> by its header alone; without such pods nobody is sent there', {
    skip: skip('canary-by-header'),
  }, async () => {
    await untilUp('canary-new');
    await untilUp('canary-web');
    const headers = {'X-Canary': 'always'};
    assert.deepEqual(new Set(await bodiesFrom(portOf(8093), 3, {headers})), new Set(['canary-1']));
    assert.deepEqual(new Set(await bodiesFrom(portOf(8093), 4)), new Set(['web-1', 'web-2']));
    const recipe = RECIPES.find(({name}) => name === 'canary-by-header');
    assert.ok(recipe);
    assert.doesNotMatch(await render(recipe, {hosts: new Map([['web', ['127.0.9.11']]])}), /canary-new/);
  });
});
