import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from './backend.ts';
import {getSegments} from './exchange.ts';
import {freePort} from './free-port.ts';
import {answersBetween, startLoad} from './load.ts';
import {openNamespaces, podIps, podIps6} from './namespaces.ts';
import {haproxyBinary, missing} from './parts.ts';
import {machine, type Place} from './place.ts';
import {haproxiesOf, processesOf} from './processes.ts';
import {createSlave} from './slave.ts';
import {waitFor} from './wait.ts';

// A suite may believe the load client's zero only because the same client, here, sees the losses that are there.

const REQUEST = {host: '127.0.0.1', segments: getSegments('/', 'localhost'), timeoutMs: 2000};

async function startHaproxy(place: Place, text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-support-'));
  await writeFile(join(folder, 'proxy.cfg'), text);
  const [file = '', ...args] = place.exec([haproxyBinary, '-db', '-f', join(folder, 'proxy.cfg')]);
  const child = spawn(file, args, {stdio: ['ignore', 'ignore', 'ignore']});
  return {
    folder,
    child,
    async [Symbol.asyncDispose]() {
      const ended = child.exitCode === null && child.signalCode === null && once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await rm(folder, {recursive: true});
    },
  };
}

const proxyText = (servers: readonly string[]): string => `
listen web
  mode http
  bind :::80 v4v6
  timeout client 10s
  timeout server 10s
  timeout connect 2s
${servers.map(ip => `  server ${ip.replaceAll(':', '_')} ${ip}:80\n`).join('')}`;

test('the load client, nobody listens -> every request refused', async () => {
  const port = await freePort();
  await using load = await startLoad({
    mode: 'connect',
    host: '127.0.0.1',
    port,
    perSecond: 100,
    maxCount: 10,
    durationMs: 5000,
  });
  const {sent, failed, failures} = await load.ended();
  assert.deepEqual({sent, failed, failures}, {sent: 10, failed: 10, failures: {refused: 10}});
});

test('the load clients, the backend dies -> truncated downloads and broken connections are counted', async () => {
  const port = await freePort();
  const target = {host: '127.0.0.1', port, durationMs: 10_000};
  await using backends = await startBackends([{name: 'a', host: '127.0.0.1', port}]);
  await using slow = await startLoad({mode: 'slow', clients: 2, ...target});
  await using kept = await startLoad({mode: 'keepalive', clients: 2, gapMs: 10, ...target});
  const before = await waitFor(async () => {
    const report = await kept.report();
    return report.ok > 20 && report;
  }, 'answers on kept connections');
  assert.deepEqual({failed: before.failed, breaks: before.breaks}, {failed: 0, breaks: 0});
  await waitFor(async () => (await slow.report()).sent === 2, 'downloads under way');
  await backends[Symbol.asyncDispose]();
  await waitFor(async () => (await kept.report()).failed > 2, 'failures');
  const [keptReport, slowReport] = [await kept.stop(), await slow.stop()];
  assert.ok(keptReport.breaks >= 2, JSON.stringify(keptReport));
  assert.ok((slowReport.failures.truncated ?? 0) + (slowReport.failures.reset ?? 0) >= 2, JSON.stringify(slowReport));
});

test('a backend on loopback, one request -> answers with its name', async () => {
  const port = await freePort();
  await using _backends = await startBackends([{name: 'a', host: '127.0.0.1', port}]);
  const outcome = await machine.exchange({...REQUEST, port});
  assert.ok(outcome.is === 'answered');
  assert.deepEqual([outcome.answer.status, outcome.answer.body], [200, 'a\n']);
});

describe('two namespaces', {skip: missing('root', 'haproxy', 'netns')}, () => {
  test('plain HAProxy before three pods, IPv4 and IPv6 -> balanced load, none failed, nothing left behind', async () => {
    let folder = '';
    let name = '';
    {
      await using net = await openNamespaces();
      name = net.proxy.namespace ?? '';
      const ips = [...podIps, podIps6[0]];
      await using _backends = await startBackends(
        ips.map(host => ({name: host, host, port: 80})),
        net.client,
      );
      const haproxy = await startHaproxy(net.proxy, proxyText(ips));
      folder = haproxy.folder;
      const open = {...REQUEST, port: 80};
      await waitFor(
        async () => (await net.client.exchange({...open, host: net.proxy.ip6})).is === 'answered',
        'HAProxy',
      );
      assert.deepEqual(haproxiesOf(folder), [haproxy.child.pid]);
      const target = {host: net.proxy.ip, port: 80, durationMs: 10_000};
      await using load = await startLoad({mode: 'connect', perSecond: 200, ...target}, net.client);
      await using slow = await startLoad({mode: 'slow', clients: 2, ...target}, net.client);
      const early = await waitFor(async () => {
        const report = await load.report();
        return report.ok > 50 && report;
      }, 'answers');
      await waitFor(async () => (await load.report()).ok > 250, 'more answers');
      const [report, slowReport] = [await load.stop(), await slow.stop()];
      assert.deepEqual(report.failures, {});
      assert.equal(report.sent, report.ok);
      assert.deepEqual([slowReport.ok, slowReport.failed], [slowReport.sent, 0]);
      assert.ok(slowReport.ok >= 2);
      const counts = Object.values(answersBetween(early, report));
      assert.equal(counts.length, 4);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 5, JSON.stringify(counts));
      await haproxy[Symbol.asyncDispose]();
    }
    assert.deepEqual(processesOf(folder), []);
    assert.ok(!execFileSync('ip', ['netns'], {encoding: 'utf8'}).includes(name));
  });

  test('a slave in its own namespace, a plain HTTP server as master -> connects from its own address', async () => {
    await using net = await openNamespaces();
    const [ip] = podIps;
    await using _master = await startBackends([{name: 'master', host: net.proxy.ip, port: 8000}], net.proxy);
    const slave = createSlave({master: {host: net.proxy.ip, port: 8000}, ip, place: net.client, localAddress: ip});
    const outcome = await slave.ping();
    assert.ok(outcome.is === 'answered' && outcome.answer.status === 200);
    const elsewhere = createSlave({
      master: {host: net.proxy.ip, port: 8000},
      ip,
      place: net.client,
      localAddress: net.proxy.ip,
    });
    assert.deepEqual(await elsewhere.ping(), {is: 'failed', kind: 'EADDRNOTAVAIL'});
  });
});
