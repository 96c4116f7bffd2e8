import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {connect} from 'node:net';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {openProcessTable} from '../../src/jobs/proc.ts';
import {startReloading} from '../reload/reloading.ts';
import {startBackends} from '../support/backend.ts';
import {getSegments} from '../support/exchange.ts';
import {openFolder} from '../support/folder.ts';
import {allowMigration, openNamespaces, podIps} from '../support/namespaces.ts';
import {haproxyBinary, missing} from '../support/parts.ts';
import {haproxiesOf} from '../support/processes.ts';
import {startServed} from '../support/served.ts';
import {waitFor} from '../support/wait.ts';

const build = missing('haproxy') ? '' : execFileSync(haproxyBinary, ['-vv'], {encoding: 'utf8'});
const isOld = /^HA-?Proxy version 1\.7/.test(build);
const hasPcre = /^Built with PCRE2? version/m.test(build);

/** At once, on a new connection each. */
const REQUESTS = 100;

const JOINING_IP = '127.0.9.2';

/** Restarts take a moment; a busy machine more of it. */
const SERVED_WITHIN_MS = 20_000;

/** CPU time that takes longer than a `KONTROL_HANG` of 3 s, however much of a CPU it gets. */
const BUSY_MS = 3500;

const processes = openProcessTable();

/** Awakes what a test stopped, so that nothing of it is left when the test fails. */
const stopped = (pid: number) => {
  process.kill(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]() {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {}
    },
  };
};

/** All that they do is wait. */
describe('HAProxy hangs', {concurrency: 2, skip: missing('haproxy'), timeout: 300_000}, () => {
  test('nothing changes -> a problem, not ready, ended and served again within 20 s, unaided', async () => {
    await using served = await startServed({KONTROL_WARMUP: '0'});
    const pid = await served.pid();
    await served.daemon.waitFor(({ready}) => ready, 'a ready pod');
    using _awake = stopped(pid);
    const startedMs = performance.now();
    const whats = new Set<string>();
    const sinceAts: number[] = [];
    const wasReady = new Set<number>();
    const status = await waitFor(
      async () => {
        const [seen, ready] = [await served.daemon.status(), await served.daemon.get('/readyz')];
        for (const {kind, severity, what, sinceAt, sinceIs} of seen?.problems ?? []) {
          whats.add(`${severity} ${what.replace(/\d+/, 'N')}, ${sinceIs}, ready ${seen?.ready}`);
          // Noticed when an answer has been owed for 3 s; it is silent since the one before.
          if (kind === 'hung') sinceAts.push(sinceAt - Date.now() + 3000);
        }
        if (ready !== undefined) wasReady.add(ready.status);
        return seen?.proxy.state === 'RUNNING' && seen.proxy.pid !== pid && seen;
      },
      'another HAProxy',
      {everyMs: 5},
    );
    assert.equal(await served.fetch(), 'pod');
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < SERVED_WITHIN_MS, `${tookMs} ms`);
    assert.equal(status.proxy.hangs, 1);
    // Whoever looks hears of it long before it counts as hung.
    for (const ready of [true, false]) {
      assert.ok(whats.has(`bad HAProxy has not answered for N s, began, ready ${ready}`), [...whats].join('; '));
    }
    assert.ok(sinceAts.length > 0 && sinceAts.every(ms => ms <= 0), sinceAts.join(', '));
    assert.ok(wasReady.has(503), [...wasReady].join(', '));
    assert.deepEqual(haproxiesOf(served.daemon.dataFolder), [status.proxy.pid]);
    await served.daemon.waitFor(seen => seen.ready && seen.inSync && seen.proxy.silentMs === 0, 'all well again');
    assert.match((await served.daemon.get('/metrics'))?.body ?? '', /^kontrol_proxy_hangs_total 1$/m);
  });

  test('a pod joins meanwhile -> from when the new one serves, no request fails, and both pods are served', async () => {
    await using served = await startServed({KONTROL_HANG: '3'});
    const {daemon, podPort} = served;
    await using _backend = await startBackends([{name: 'pod', host: JOINING_IP, port: podPort}]);
    const pid = await served.pid();
    using _awake = stopped(pid);
    await daemon.ping({ip: JOINING_IP, id: 'web-joining'});
    await daemon.waitFor(
      async ({proxy, inSync}) =>
        inSync && proxy.state === 'RUNNING' && proxy.pid !== pid && (await served.committed()).includes(JOINING_IP),
      'another HAProxy with both pods',
    );
    const answers = await Promise.all(Array.from({length: REQUESTS}, () => served.fetch()));
    assert.deepEqual(
      answers.filter(answer => answer !== 'pod'),
      [],
    );
    await waitFor(() => haproxiesOf(daemon.dataFolder).length === 1, 'the end of the hung one');
  });

  test('it hangs while it finishes its connections -> ended, told, its clients need not wait for KONTROL_DRAIN', async () => {
    await using served = await startServed({KONTROL_HANG: '3'});
    const {daemon} = served;
    const client = connect({host: '127.0.0.1', port: served.port});
    using _client = {[Symbol.dispose]: () => client.destroy()};
    await once(client, 'connect');
    // Half a request: HAProxy waits for the rest.
    client.on('error', () => {}).write('GET / HTTP/1.1\r\n');
    // On 1.7 the one before it may not have ended yet.
    const pid = await served.pid();
    await served.reload();
    await daemon.waitFor(({proxy}) => proxy.draining.some(one => one.pid === pid), 'a drain');
    using _awake = stopped(pid);
    await waitFor(() => client.closed, 'the end of the connection');
    const {proxy} = await daemon.waitFor(seen => seen.proxy.draining.length === 0 && seen, 'the end of the drain');
    assert.deepEqual([proxy.hangs, proxy.restarts], [1, 0]);
    assert.deepEqual(haproxiesOf(daemon.dataFolder), [proxy.pid]);
    assert.equal(await served.fetch(), 'pod');
    const said = daemon.logs.filter(({msg}) => /hangs while it finishes its connections/.test(String(msg)));
    assert.deepEqual(
      said.map(line => line.pid),
      [pid],
    );
  });

  test('it gets the CPU in short turns only, and answers late -> it is left alone', async () => {
    await using served = await startServed({KONTROL_HANG: '8'});
    const pid = await served.pid();
    for (let turn = 0; turn < 2; turn += 1) {
      {
        using _awake = stopped(pid);
        await sleep(4000);
      }
      await sleep(1000);
    }
    const {proxy} = await served.daemon.waitFor(seen => seen, 'a status');
    assert.deepEqual([proxy.pid, proxy.hangs, proxy.restarts], [pid, 0, 0]);
    assert.equal(await served.fetch(), 'pod');
  });

  test('it is at 100 % CPU, and still answers -> left alone; it spins in one request for good -> replaced', async () => {
    await using served = await startServed({KONTROL_HANG: '3'});
    const {daemon} = served;
    // Time to match is as the third power of the path's length. PCRE compiles the pattern; the libc, for a HAProxy that was
    // built without it, goes through the path once unless the pattern refers to an earlier part of itself.
    const slow = hasPcre ? 'a.*a.*a.*' : '(a*)a*\\\\1';
    const rules = Array.from({length: 60}, (_, n) => `  http-request deny if { path_reg ${slow}[b-x]${n}? }`);
    const global = isOld ? '' : 'global\n  nbthread 1\n';
    await served.rewrite(global + served.template.replace(/bind .*/, `$&\n${rules.join('\n')}`));
    const {proxy: before} = await daemon.waitFor(
      seen => seen.proxy.state === 'RUNNING' && seen.proxy.generation === 2 && seen,
      'a HAProxy with the rules',
    );
    const pid = before.pid ?? assert.fail('it does not run');
    const {cpuMs: beforeMs} = (await processes.activity(pid)) ?? assert.fail('it does not run');
    const path = `/${'a'.repeat(hasPcre ? 8000 : 20)}`;
    const ended = new AbortController();
    const ask = async () => {
      while (!ended.signal.aborted) await served.fetch(path);
    };
    const asking = [ask(), ask()];
    try {
      await waitFor(async () => ((await processes.activity(pid))?.cpuMs ?? 0) - beforeMs > BUSY_MS, 'a busy HAProxy', {
        timeoutMs: 120_000,
      });
      const {proxy} = await daemon.waitFor(seen => seen, 'a status');
      assert.deepEqual([proxy.pid, proxy.hangs, proxy.restarts], [pid, 0, 0]);
    } finally {
      ended.abort();
      await Promise.all(asking);
    }
    // Newer ones end themselves when they notice that they spin.
    if (!isOld) return;
    const spinning = served.fetch(`/${'a'.repeat(300)}`);
    const {proxy} = await daemon.waitFor(
      seen => seen.proxy.hangs === 1 && seen.proxy.state === 'RUNNING' && seen.proxy.pid !== pid && seen,
      'another HAProxy',
    );
    assert.equal(proxy.restarts, 1);
    assert.equal(await served.fetch(), 'pod');
    await spinning;
  });

  test('KONTROL_HANG=0 -> nobody asks, nobody ends it', async () => {
    await using served = await startServed({KONTROL_HANG: '0'});
    const pid = await served.pid();
    using _awake = stopped(pid);
    await sleep(5000);
    const {proxy} = await served.daemon.waitFor(seen => seen, 'a status');
    assert.deepEqual([proxy.pid, proxy.silentMs, proxy.hangs], [pid, 0, 0]);
  });
});

/** How many connections of a text that does not say it others may hold before nobody else is answered. */
const ALL_BY_DEFAULT = 10;

/** More than any HAProxy lets in. */
const MORE_THAN_ALL = 100;

/** Clients of a runtime socket, which ask nothing and stay. */
async function holdConnections(socket: string, count: number): Promise<Disposable> {
  const clients = Array.from({length: count}, () => connect({path: socket}).on('error', () => {}));
  await Promise.all(clients.map(client => once(client, 'connect').catch(() => {})));
  return {
    [Symbol.dispose]() {
      for (const client of clients) client.destroy();
    },
  };
}

describe('Others hold connections to runtime sockets', {
  skip: missing('haproxy'),
  concurrency: 2,
  timeout: 300_000,
}, () => {
  /** Clients ask all the time; the template has a runtime socket of its own, where a client may be idle for long. */
  async function startBusy() {
    await using undo = new AsyncDisposableStack();
    const folder = undo.use(await openFolder());
    const socket = join(folder.path, 'own.sock');
    const served = undo.use(await startServed({KONTROL_HANG: '3', KONTROL_DAMPER: '0', KONTROL_WARMUP: '0'}));
    await served.rewrite(`global\n  stats socket ${socket}\n  stats timeout 5m\n${served.template}`);
    const isServed = async () => (await served.committed()).includes(socket);
    await served.daemon.waitFor(async ({inSync}) => inSync && (await isServed()), 'a runtime socket');
    const ended = new AbortController();
    const answers = new Map<string, number>();
    const asking = (async () => {
      while (!ended.signal.aborted) {
        const answer = await served.fetch();
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
        await sleep(20);
      }
    })();
    undo.defer(async () => {
      ended.abort();
      await asking;
    });
    const opened = undo.move();
    return {served, socket, answers, [Symbol.asyncDispose]: () => opened.disposeAsync()};
  }

  test('as many as HAProxy has by default -> the daemon is answered, and tells it what changes', async () => {
    await using busy = await startBusy();
    const {daemon, podPort} = busy.served;
    const pid = await busy.served.pid();
    using _held = await holdConnections(busy.socket, ALL_BY_DEFAULT);
    await using _backend = await startBackends([{name: 'pod', host: JOINING_IP, port: podPort}]);
    for (let look = 0; look < 20; look += 1) {
      await sleep(250);
      const {proxy} = await daemon.waitFor(seen => seen, 'a status');
      assert.deepEqual([proxy.pid, proxy.isDeaf, proxy.hangs], [pid, false, 0]);
    }
    await daemon.ping({ip: JOINING_IP, id: 'web-joining'});
    await daemon.waitFor(
      async ({inSync}) => inSync && (await busy.served.committed()).includes(JOINING_IP),
      'the pod that joined',
    );
    assert.deepEqual([...busy.answers.keys()], ['pod']);
  });

  test('all there are -> a problem, but HAProxy is left alone, and no request fails', async () => {
    await using busy = await startBusy();
    const {daemon} = busy.served;
    const pid = await busy.served.pid();
    {
      using _held = await holdConnections(join(daemon.dataFolder, 'haproxy.sock'), MORE_THAN_ALL);
      const {proxy, problems, ready} = await daemon.waitFor(
        seen => seen.proxy.isDeaf && seen.proxy.silentMs > 8000 && seen,
        'a silence of more than two periods',
      );
      assert.deepEqual([proxy.pid, proxy.isHung, proxy.hangs, ready], [pid, false, 0, true]);
      assert.ok(problems.some(({what, why}) => /not answered/.test(what) && /others seem to hold/.test(why)));
      // A reload asks before as well.
      await busy.served.rewrite(`${await busy.served.committed()}\n# another text\nbackend more\n`);
    }
    const {proxy} = await daemon.waitFor(seen => seen.proxy.silentMs === 0 && seen.inSync && seen, 'an answer');
    assert.deepEqual([proxy.hangs, proxy.restarts], [0, 0]);
    assert.deepEqual([...busy.answers.keys()], ['pod']);
  });
});

/** A number that no running HAProxy can be told, so that each round is a reload. */
const template = (round: number) => `
global
  maxconn ${5000 + round}
frontend proxy
  mode http
  bind *:80
  timeout client 15s
  default_backend web
backend web
  mode http
  timeout connect 2s
  timeout server 15s
  server web-1 ${podIps[0]}:80
`;

interface Way {
  readonly way: string;
  readonly migrates?: true;
}

const WAYS: readonly Way[] = [
  ...(isOld ? [] : [{way: 'transfer'}]),
  {way: 'migrate', migrates: true},
  {way: 'inherit'},
  {way: 'syn-drop'},
  {way: 'classic'},
  {way: 'plain'},
];

describe('HAProxy hangs before a reload', {
  concurrency: 2,
  skip: missing('root', 'haproxy', 'netns', 'iptables'),
  timeout: 600_000,
}, () => {
  for (const {way, migrates} of WAYS) {
    for (const [name, hang] of [
      ['found hung', '3'],
      ['nobody asks it', '0'],
    ] as const) {
      test(`${way}, ${name} -> from when the new one serves, no request fails`, async () => {
        await using net = await openNamespaces();
        await using _backends = await startBackends([{name: 'one', host: podIps[0], port: 80}], net.client);
        if (migrates) allowMigration(net.proxy);
        await using reloading = await startReloading(template(0), {
          place: net.proxy,
          env: {KONTROL_RELOAD: way, KONTROL_HANG: hang},
        });
        const pid = (await reloading.daemon.status())?.proxy.pid ?? 0;
        using _awake = stopped(pid);
        const last = await reloading.change(template(1));
        assert.equal(last.verdict, 'ok', last.error ?? '');
        assert.match(last.why, hang === '0' ? /still listened when it was told/ : /answered nothing for \d+ ms/);
        const segments = getSegments('/', 'hang');
        const outcomes = await Promise.all(
          Array.from({length: REQUESTS}, () =>
            net.client.exchange({host: net.proxy.ip, port: 80, segments, timeoutMs: 5000}),
          ),
        );
        const failed = outcomes.filter(outcome => outcome.is !== 'answered' || outcome.answer.status !== 200);
        assert.deepEqual(failed, []);
        await waitFor(() => haproxiesOf(reloading.daemon.dataFolder).length === 1, 'the end of the hung one');
      });
    }
  }
});
