import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {openFolder} from '../support/folder.ts';
import {startLoad} from '../support/load.ts';
import {openNamespaces, podIps, type TwoNamespaces} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import {endProcessesOf, haproxiesOf} from '../support/processes.ts';
import {startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText, webTemplate, webTemplateAgain} from '../support/web.ts';

const POD = podIps[0];

/** The SYN gate's rules in the pod's namespace; they outlive processes and containers. */
function gateRules(net: TwoNamespaces): string {
  const [file = '', ...args] = net.proxy.exec(['iptables', '-w', '-S']);
  const rules = execFileSync(file, args, {encoding: 'utf8'});
  return rules
    .split('\n')
    .filter(rule => rule.includes('KONTROL'))
    .join('\n');
}

/** A new connection from the client's side; one attempt, so a dropped SYN is a time-out. */
const fetchOnce = (net: TwoNamespaces): Promise<string> =>
  fetchText({host: net.proxy.ip, port: 80, place: net.client, timeoutMs: 900});

/** Serves one pod, begins a reload and kills the daemon while the gate is shut: for a second, by the longest settle. */
async function killWhileShut(net: TwoNamespaces, dataFolder: string): Promise<void> {
  const template = join(dataFolder, 'proxy.j2');
  await writeFile(template, webTemplate('*:80', 80));
  const daemon = await startDaemon({
    template,
    place: net.proxy,
    dataFolder,
    env: {KONTROL_SETTLE_MS: '1000', KONTROL_RELOAD: 'syn-drop'},
  });
  const slave = daemon.slave({ip: POD, place: net.client});
  slave.run(500);
  try {
    await daemon.waitFor(async ({inSync}) => inSync && (await fetchOnce(net)) === 'pod', 'the pod served');
    await writeFile(template, webTemplateAgain(webTemplate('*:80', 80), 1));
    await waitFor(() => gateRules(net).includes('DROP'), 'a shut gate');
  } finally {
    slave.silence();
    daemon.signal('SIGKILL');
  }
  await daemon.exited;
  assert.match(gateRules(net), /-A KONTROL-SYN .*--dports 80 .*-j DROP/);
}

async function openPods(net: TwoNamespaces): Promise<AsyncDisposable> {
  return await startBackends(
    podIps.map(host => ({name: 'pod', host, port: 80})),
    net.client,
  );
}

describe('old fault 1, daemon killed -9 while the SYN gate is shut', {
  concurrency: 3,
  skip: missing('root', 'haproxy', 'netns', 'iptables'),
  timeout: 180_000,
}, () => {
  test('left alone -> new connections work again within 5 s', async () => {
    await using net = await openNamespaces();
    await using _pods = await openPods(net);
    await using data = await openFolder();
    await using _rest = endAtLast(data.path);
    await killWhileShut(net, data.path);
    await waitFor(async () => (await fetchOnce(net)) === 'pod', 'a new connection', {timeoutMs: 5000});
  });

  test('restarted on its folder -> swept at once, the left-over proxies taken over', async () => {
    await using net = await openNamespaces();
    await using _pods = await openPods(net);
    await using data = await openFolder();
    await using _rest = endAtLast(data.path);
    await killWhileShut(net, data.path);
    await using next = await startDaemon({template: webTemplate('*:80', 80), place: net.proxy, dataFolder: data.path});
    await waitFor(() => gateRules(net) === '', 'the sweep');
    await next.waitFor(({inSync}) => inSync, 'the next daemon in sync');
    assert.equal(await fetchOnce(net), 'pod');
    await next.waitFor(() => haproxiesOf(data.path).length === 1, 'one HAProxy left');
  });

  test('container restarted, only the rules of its namespace remain -> swept at once', async () => {
    await using net = await openNamespaces();
    await using _pods = await openPods(net);
    {
      await using data = await openFolder();
      await using _rest = endAtLast(data.path);
      await killWhileShut(net, data.path);
    }
    await using next = await startDaemon({template: webTemplate('*:80', 80), place: net.proxy});
    await waitFor(() => gateRules(net) === '', 'the sweep');
    await next.waitFor(({proxy}) => proxy.state === 'RUNNING', 'the next proxy');
    assert.equal(await fetchOnce(net), 'status 503');
  });
});

const endAtLast = (folder: string): AsyncDisposable => ({[Symbol.asyncDispose]: () => endProcessesOf(folder)});

/** Waits until the daemon serves by itself what an earlier one left running. */
const seeTakenOver = (daemon: Daemon) =>
  daemon.waitFor(
    seen =>
      seen.inSync && seen.proxy.draining.length === 0 && haproxiesOf(daemon.dataFolder).length === 1 ? seen : undefined,
    'the left-over proxy taken over',
  );

test('daemon killed -9 -> its HAProxy is taken over by the next daemon with no failed request', {
  skip: missing('root', 'haproxy', 'netns', 'iptables'),
  timeout: 180_000,
}, async t => {
  await using net = await openNamespaces();
  await using _pods = await openPods(net);
  await using data = await openFolder();
  await using _rest = endAtLast(data.path);
  const options = {template: webTemplate('*:80', 80), place: net.proxy, dataFolder: data.path};
  await using daemon = await startDaemon(options);
  const slave = daemon.slave({ip: POD, place: net.client});
  using _silence = {[Symbol.dispose]: slave.silence};
  slave.run(500);
  await daemon.waitFor(async ({inSync}) => inSync && (await fetchOnce(net)) === 'pod', 'the pod served');
  const target = {host: net.proxy.ip, port: 80, durationMs: 40_000};
  await using load = await startLoad({mode: 'connect', perSecond: 150, ...target}, net.client);
  await using downloads = await startLoad({mode: 'slow', clients: 3, ...target}, net.client);
  await waitFor(async () => (await load.report()).ok > 50, 'a load');

  const old = haproxiesOf(data.path);
  process.kill(daemon.pid, 'SIGKILL');
  await daemon.exited;
  assert.deepEqual(haproxiesOf(data.path), old);
  await using next = await startDaemon(options);
  const status = await seeTakenOver(next);
  // The remembered member serves at once: no pass without it.
  assert.deepEqual(status.hosts, {web: [POD]});
  assert.ok(!old.includes(status.proxy.pid ?? 0));
  assert.ok(next.logs.some(({msg}) => String(msg).startsWith('taking over a HAProxy')));

  const [report, slow] = [await load.stop(), await downloads.stop()];
  t.diagnostic(JSON.stringify({load: report, downloads: slow}));
  assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
  assert.deepEqual({failures: slow.failures, ok: slow.ok}, {failures: {}, ok: slow.sent});
});

test('daemon killed -9, restarted with a template that fails -> the last good serves without a gap', {
  skip: missing('haproxy'),
  timeout: 180_000,
}, async () => {
  await using served = await startServed();
  served.daemon.signal('SIGKILL');
  await served.daemon.exited;
  await served.rewrite('{% for %}');
  await using next = await startDaemon(served.again);
  const seen = new Set<string>();
  const status = await next.waitFor(async seenStatus => {
    seen.add(await served.fetch());
    return seenStatus.ready && seenStatus;
  }, 'the next daemon ready');
  assert.deepEqual([...seen], ['pod']);
  assert.equal(status.inSync, false);
  assert.match(status.lastError ?? '', /^cannot render the template/);
  assert.deepEqual(status.hosts, {web: ['127.0.9.1']});
  await served.rewrite(served.template);
  await next.waitFor(({inSync}) => inSync, 'the mended template in sync');
  assert.equal(await served.fetch(), 'pod');
});

test('old fault 10, PID files that name a stranger -> it is never signalled', {
  skip: missing('haproxy'),
  timeout: 180_000,
}, async () => {
  await using served = await startServed();
  const {dataFolder} = served.daemon;
  process.kill(served.daemon.pid, 'SIGKILL');
  await served.daemon.exited;
  await endProcessesOf(dataFolder);
  // Neither its environment nor its arguments name the folder, and it would die of any signal.
  const stranger = spawn('sleep', ['60'], {stdio: 'ignore', env: {}});
  const gone = once(stranger, 'exit');
  try {
    const path = join(dataFolder, 'run', 'generations.json');
    const records = JSON.parse(await readFile(path, 'utf8'));
    assert.ok(records.processes.length > 0);
    const processes = records.processes.map((record: object) => ({...record, pid: stranger.pid}));
    await writeFile(path, JSON.stringify({...records, processes}));
    await writeFile(join(dataFolder, 'proxy.pid'), `${stranger.pid}\n`);
    await using next = await startDaemon(served.again);
    await next.waitFor(({inSync}) => inSync, 'the next daemon in sync');
    await served.reload();
    await next.waitFor(async () => /reload 1/.test((await next.get('/config'))?.body ?? ''), 'a reload');
    next.signal('SIGTERM');
    assert.deepEqual(await next.exited, {code: 0, signal: null});
    assert.deepEqual([stranger.exitCode, stranger.signalCode], [null, null]);
  } finally {
    stranger.kill('SIGKILL');
    await gone;
  }
});
