import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {readdir, readFile} from 'node:fs/promises';
import {describe, test} from 'node:test';
import {parseServersState, type Row} from '../../src/proxy/answers.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {startReloading} from '../reload/reloading.ts';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {getSegments} from '../support/exchange.ts';
import {haproxyIsAtLeast} from '../support/haproxy-version.ts';
import {startLoad} from '../support/load.ts';
import {openNamespaces, podIps, type TwoNamespaces} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
import {waitFor} from '../support/wait.ts';

/** Swaps of an address in a row; more of them with `KONTROL_SWAPS=<count>`. */
const SWAPS = Number(process.env.KONTROL_SWAPS ?? 40);

const HTTP = readFileSync(new URL('../fixtures/http.j2', import.meta.url), 'utf8');
const TCP = `
  frontend proxy
    bind            *:80
    default_backend service

  backend service
    mode tcp
    {%- for key in hosts %}
    {%- for ip in hosts[key] %}
    server {{key}}-{{loop.index}} {{ip}}:80
    {%- endfor %}
    {%- endfor %}
`;

const template = (servers: string) => `
defaults
  mode http
  timeout connect 2s
  timeout client 15s
  timeout server 15s
frontend proxy
  bind *:80
  default_backend web
backend web
  balance roundrobin
  option http-server-close
${servers}
`;

const [A, B, C] = podIps;

async function serversOf({dataFolder}: Daemon): Promise<ReadonlyMap<string, Row>> {
  const answer = await ask(`${dataFolder}/haproxy.sock`, 'show servers state', {timeoutMs: 5000});
  return new Map(parseServersState(answer).map(row => [`${row.be_name}/${row.srv_name}`, row]));
}

async function answererOf({client, proxy}: TwoNamespaces): Promise<string> {
  const outcome = await client.exchange({
    host: proxy.ip,
    port: 80,
    segments: getSegments('/', proxy.ip),
    timeoutMs: 5000,
  });
  return outcome.is === 'answered' ? outcome.answer.body.trim() : outcome.kind;
}

const allBackends = (net: TwoNamespaces) =>
  startBackends(
    podIps.map(host => ({name: host, host, port: 80})),
    net.client,
  );

describe('changes without a reload', {skip: missing('root', 'haproxy', 'netns'), timeout: 600_000}, () => {
  for (const [name, text, backend] of [
    ['http.j2', HTTP, 'http'],
    ['the 2017 deployment', TCP, 'service'],
  ] as const) {
    test(`a pod replaced by another, template of ${name} -> no reload, the new one answers`, async () => {
      await using net = await openNamespaces();
      await using _backends = await allBackends(net);
      await using daemon = await startDaemon({template: text, place: net.proxy, env: {KONTROL_DAMPER: '0.4'}});
      await daemon.waitFor(status => status.inSync, 'a running proxy');
      const slaveAt = (ip: string) => daemon.slave({ip, place: net.client, localAddress: ip});
      await slaveAt(A).ping();
      const before = await daemon.waitFor(
        status => status.inSync && status.hosts.web?.[0] === A && status.reload.last?.pass === 2 && status,
        'the first pod',
      );
      await slaveAt(A).down();
      await slaveAt(B).ping();
      const after = await daemon.waitFor(
        ({reload: {last}, hosts, inSync}) => inSync && hosts.web?.[0] === B && last?.pass === 3 && last,
        'the other pod',
      );
      assert.deepEqual([after.way, after.generation], ['runtime', before.proxy.generation], after.why);
      assert.equal((await serversOf(daemon)).get(`${backend}/web-1`)?.srv_addr, B);
      assert.equal(await answererOf(net), B);
    });
  }

  test('many swaps in a row -> one process, nothing leaks, the file always says what runs', async t => {
    await using net = await openNamespaces();
    await using _backends = await allBackends(net);
    const at = (ip: string) => template(`  server web-1 ${ip}:80\n  server web-2 ${C}:80 weight 0`);
    await using reloading = await startReloading(at(A), {place: net.proxy});
    const {daemon} = reloading;
    const pid = (await daemon.status())?.proxy.pid;
    const descriptors = async (of: number) => (await readdir(`/proc/${of}/fd`)).length;
    const before = await Promise.all([pid ?? 0, daemon.pid].map(descriptors));
    const target = {host: net.proxy.ip, port: 80, durationMs: 100_000};
    await using load = await startLoad({mode: 'connect', perSecond: 100, ...target}, net.client);
    const took: number[] = [];
    for (let swap = 1; swap <= SWAPS; swap += 1) {
      const ip = swap % 2 === 1 ? B : A;
      const last = await reloading.change(at(ip));
      assert.deepEqual([last.verdict, last.way], ['ok', 'runtime'], last.why);
      assert.equal((await serversOf(daemon)).get('web/web-1')?.srv_addr, ip);
      assert.equal((await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8')).includes(`web-1 ${ip}:80`), true);
      took.push(Object.values(last.phasesMs).reduce((sum, ms) => sum + ms, 0));
    }
    const report = await load.stop();
    assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
    assert.deepEqual(haproxiesOf(daemon.dataFolder), [pid]);
    assert.deepEqual(
      (await readdir(`${daemon.dataFolder}/run`)).filter(one => one.startsWith('2.')),
      [],
    );
    const after = () => Promise.all([pid ?? 0, daemon.pid].map(descriptors));
    await waitFor(
      async () => (await after()).every((count, index) => count <= (before[index] ?? 0) + 4),
      'no growth of descriptors',
    );
    t.diagnostic(`median from render to applied ${took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)]} ms`);
  });

  test('a checked server moves to a dead address and on to a live one -> down, then up', async () => {
    await using net = await openNamespaces();
    await using _backends = await allBackends(net);
    const at = (ip: string) =>
      template(
        `  default-server inter 200 fall 2 rise 50\n  server web-1 ${ip}:80 check\n  server web-2 ${C}:80 weight 0`,
      );
    await using reloading = await startReloading(at(A), {place: net.proxy});
    const {daemon} = reloading;
    const isUp = async () => (await serversOf(daemon)).get('web/web-1')?.srv_op_state === '2';
    await waitFor(isUp, 'web-1 up');
    assert.equal((await reloading.change(at('10.77.1.99'))).way, 'runtime');
    await waitFor(async () => !(await isUp()), 'web-1 down');
    // Without a fresh start of its checks it would have to rise 50 times.
    assert.equal((await reloading.change(at(B))).way, 'runtime');
    await waitFor(isUp, 'web-1 up at once', {timeoutMs: 5000});
    await waitFor(async () => (await answererOf(net)) === B, 'an answer of the new one');
  });

  test('HAProxy dies after a change -> it comes back on what it ran last', async () => {
    await using net = await openNamespaces();
    await using _backends = await allBackends(net);
    const at = (ip: string, weight: number) => template(`  server web-1 ${ip}:80 weight ${weight}`);
    await using reloading = await startReloading(at(A, 1), {place: net.proxy});
    const {daemon} = reloading;
    assert.equal((await reloading.change(at(B, 7))).way, 'runtime');
    process.kill((await daemon.status())?.proxy.pid ?? 0, 'SIGKILL');
    await daemon.waitFor(({proxy}) => proxy.restarts === 1 && proxy.state === 'RUNNING', 'a restart');
    assert.equal(await answererOf(net), B);
    assert.equal((await serversOf(daemon)).get('web/web-1')?.srv_uweight, '7');
    assert.equal((await reloading.change(at(A, 7))).way, 'runtime');
    assert.equal(await answererOf(net), A);
  });

  test('a server that does not stand as told -> a reload in the same pass, and the next change is told again', async () => {
    await using net = await openNamespaces();
    await using _backends = await allBackends(net);
    const at = (ip: string) => template(`  server web-1 ${ip}:80`);
    await using reloading = await startReloading(at(A), {place: net.proxy});
    const {daemon} = reloading;
    await ask(`${daemon.dataFolder}/haproxy.sock`, 'set server web/web-1 weight 9', {timeoutMs: 5000});
    const last = await reloading.change(at(B));
    assert.deepEqual([last.verdict, last.generation], ['ok', 2]);
    assert.match(last.why, /^told at run time, but web\/web-1 has weight 9, not 1/);
    assert.equal(await answererOf(net), B);
    assert.equal((await reloading.change(at(C))).way, 'runtime');
    assert.equal(await answererOf(net), C);
  });

  test('servers come and go under load -> told at run time since 2.6, the one that leaves drains', async () => {
    await using net = await openNamespaces();
    await using _backends = await allBackends(net);
    const lines = (...ips: readonly string[]) =>
      template(ips.map((ip, index) => `  server web-${index + 1} ${ip}:80 check`).join('\n'));
    await using reloading = await startReloading(lines(A), {place: net.proxy});
    const {daemon} = reloading;
    const target = {host: net.proxy.ip, port: 80, durationMs: 60_000};
    await using load = await startLoad({mode: 'connect', perSecond: 100, ...target}, net.client);
    const way = haproxyIsAtLeast(2, 6) ? ['runtime'] : ['inherit', 'migrate', 'syn-drop', 'plain'];
    assert.ok(way.includes((await reloading.change(lines(A, B))).way));
    await using downloads = await startLoad({mode: 'slow', clients: 4, ...target}, net.client);
    await waitFor(async () => (await downloads.report()).sent === 4, 'downloads');
    assert.ok(way.includes((await reloading.change(lines(A))).way));
    const slow = await downloads.stop();
    assert.deepEqual({failures: slow.failures, ok: slow.ok}, {failures: {}, ok: slow.sent});
    await waitFor(async () => !(await serversOf(daemon)).has('web/web-2'), 'the end of web-2');
    assert.ok(way.includes((await reloading.change(lines(A, C))).way));
    const report = await load.stop();
    assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
  });

  test('HAProxy takes what its check refuses -> taken back, no file says it; the next change is told again', async () => {
    await using net = await openNamespaces();
    await using _backends = await allBackends(net);
    const at = (...servers: readonly string[]) =>
      template(servers.map((server, index) => `  server web-${index + 1} ${server}`).join('\n'));
    await using reloading = await startReloading(at(`${A}:80 weight 1`), {place: net.proxy});
    const {daemon} = reloading;
    const {pid} = (await daemon.status())?.proxy ?? {};
    const committed = await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8');
    // The last weight counts, and each is looked at by a check.
    const last = await reloading.change(at(`${B}:80 weight 300 weight 7`));
    assert.equal(last.verdict, 'failed');
    assert.match(last.error ?? '', /^cannot validate .*not within 0 and 256/);
    const server = (await serversOf(daemon)).get('web/web-1');
    assert.deepEqual([server?.srv_addr, server?.srv_uweight], [A, '1']);
    assert.equal(await answererOf(net), A);
    assert.equal(await readFile(`${daemon.dataFolder}/proxy.cfg`, 'utf8'), committed);
    assert.equal((await daemon.status())?.proxy.pid, pid);
    assert.equal(daemon.logs.filter(({msg}) => msg === 'a change failed that HAProxy was told of already').length, 1);
    const joined = await reloading.change(at(`${A}:80 weight 1`, `${B}:80 weight 2`));
    assert.equal(joined.way === 'runtime', haproxyIsAtLeast(2, 6), joined.why);
  });

  test('only comments differ -> nothing is told, the file says the new text', async () => {
    await using net = await openNamespaces();
    await using reloading = await startReloading(template(`  server web-1 ${A}:80`), {place: net.proxy});
    const last = await reloading.change(`# take two\n${template(`  server web-1 ${A}:80`)}`);
    assert.deepEqual([last.way, last.generation], ['runtime', 1]);
    assert.match(await readFile(`${reloading.daemon.dataFolder}/proxy.cfg`, 'utf8'), /take two/);
    assert.match((await reloading.daemon.get('/config'))?.body ?? '', /take two/);
  });
});
