import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {startEtcd} from '../support/etcd.ts';
import {createFrontedPod} from '../support/front.ts';
import {startLoad} from '../support/load.ts';
import {missing} from '../support/parts.ts';
import {openReplicaNet} from '../support/replica-net.ts';
import type {Status} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';
import {openWallClock} from '../support/wall-clock.ts';

const TEMPLATE = `
frontend web
  mode http
  bind *:80
  timeout client 15s
  default_backend web

backend web
  mode http
  balance roundrobin
  option redispatch
  retries 3
  timeout connect 2s
  timeout server 15s
{%- for ip in hosts['web'] %}
  server web-{{loop.index}} {{ip}}:80
{%- endfor %}
`;

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const TTL_MS = 4000;
const PERIOD_MS = 0.75 * TTL_MS;

/** Longer than any lease in the test, so that what may expire does. */
const OUTLASTING_MS = 2.5 * TTL_MS;

const POD_IPS = Array.from({length: 6}, (_, index) => `10.78.1.${11 + index}`);

/**
 * Looks at every replica's configuration all the time: who is in `live` may be missing in none of them. Stops with
 * what it saw missing.
 */
function watchConfigurations(replicas: () => readonly Daemon[], live: ReadonlySet<string>) {
  const faults: string[] = [];
  const seen = {looks: 0};
  const ended = new AbortController();
  const run = async () => {
    while (!ended.signal.aborted) {
      for (const daemon of replicas()) {
        const wanted = [...live];
        const configuration = await daemon.get('/config');
        if (configuration?.status !== 200) continue;
        seen.looks += 1;
        const missingIps = wanted.filter(ip => live.has(ip) && !configuration.body.includes(`${ip}:80`));
        if (missingIps.length > 0) faults.push(`${daemon.statusPort} ${daemon.pid}: ${missingIps.join(',')}`);
      }
      await sleep(30);
    }
  };
  const running = run();
  return {
    seen,
    async stop() {
      ended.abort();
      await running;
      return faults;
    },
  };
}

test('three replicas, etcd and what can befall them -> the same hosts everywhere, nobody missing, no request fails', {
  skip: missing('root', 'haproxy', 'netns', 'iptables', 'etcd', 'faketime'),
  timeout: 300_000,
}, async t => {
  await using net = await openReplicaNet(3, POD_IPS);
  await using _backends = await startBackends(
    POD_IPS.map(host => ({name: host, host, port: 80})),
    net.hub,
  );
  await using clock = await openWallClock();
  await using etcd = await startEtcd({place: net.hub, host: net.hub.ip});
  const start = (index: number, earlier?: Daemon) =>
    startDaemon({
      template: TEMPLATE,
      place: net.replicas[index] ?? assert.fail(),
      ...(earlier && {dataFolder: earlier.dataFolder}),
      env: {
        KONTROL_ID: `lb-${index}`,
        KONTROL_ETCD: etcd.endpoints,
        KONTROL_TTL: String(TTL_MS / 1000),
        KONTROL_GRACE: '10',
        ...(index === 2 && clock.env),
      },
    });
  await using all = new AsyncDisposableStack();
  const daemons: Daemon[] = [];
  for (let index = 0; index < 3; index++) daemons.push(all.use(await start(index)));
  const [first, second, third] = daemons as [Daemon, Daemon, Daemon];

  const pods = POD_IPS.map(ip =>
    createFrontedPod({
      ip,
      place: net.hub,
      periodMs: PERIOD_MS,
      replicas: () => daemons,
      hosts: net.replicas.map(replica => replica.ip),
    }),
  );
  using _silence = {
    [Symbol.dispose]() {
      for (const pod of pods) pod.silence();
    },
  };
  /** Who should be served, and who may be missing nowhere: one that joins is served a moment later. */
  const live = new Set<string>();
  const watched = new Set<string>();
  const evidence = () =>
    daemons
      .map(daemon =>
        daemon.logs
          .slice(-12)
          .map(line => JSON.stringify(line))
          .join('\n'),
      )
      .join('\n\n');
  const agree = async (what: string, timeoutMs = 30_000): Promise<readonly Status[]> => {
    const startedMs = performance.now();
    const statuses = await waitFor(
      async () => {
        const seen = await Promise.all(daemons.map(daemon => daemon.status()));
        const known = seen.filter(status => status !== undefined);
        const ips = JSON.stringify([...live].sort());
        const isEqual = new Set(known.map(({digest}) => digest)).size === 1;
        const isRight = known.every(
          status => status.inSync && JSON.stringify((status.hosts.web ?? []).toSorted()) === ips,
        );
        return known.length === daemons.length && isEqual && isRight && known;
      },
      `${what}: all agree`,
      {timeoutMs, evidence},
    );
    for (const ip of live) watched.add(ip);
    t.diagnostic(`${what}: agreed after ${Math.round(performance.now() - startedMs)} ms`);
    return statuses;
  };

  for (const pod of pods.slice(0, 5)) {
    pod.run();
    live.add(pod.ip);
  }
  await agree('five pods joined');
  const prober = watchConfigurations(() => daemons, watched);
  const loads = [];
  for (const replica of net.replicas) {
    const settings = {mode: 'connect', perSecond: 40, host: replica.ip, port: 80, durationMs: 240_000} as const;
    loads.push(all.use(await startLoad(settings, net.hub)));
  }
  await sleep(OUTLASTING_MS);
  const [status] = await agree('time passed');
  assert.deepEqual(
    status?.fleet?.map(({id, inSync}) => [id, inSync]),
    [0, 1, 2].map(index => [`lb-${index}`, true]),
  );

  await t.test('status --all -> the table, and content', () => {
    const place = net.replicas[0] ?? assert.fail();
    const [file = '', ...args] = place.exec([process.execPath, MAIN, 'status', '--all', '--within', '30']);
    const table = execFileSync(file, args, {encoding: 'utf8'});
    assert.equal(table.match(/^lb-\d .* yes$/gm)?.length, 3, table);
  });

  await t.test('a daemon is killed and comes back', async () => {
    first.signal('SIGKILL');
    await first.exited;
    await sleep(OUTLASTING_MS);
    daemons[0] = all.use(await start(0, first));
    await agree('killed daemon back');
  });

  await t.test('an etcd node is killed and comes back', async () => {
    await etcd.nodes[0]?.kill();
    await sleep(OUTLASTING_MS);
    await agree('one node less');
    etcd.nodes[0]?.start();
    await etcd.settle();
    await agree('node back');
  });

  await t.test('all of etcd is killed: served on, 503, then back', async () => {
    for (const node of etcd.nodes) await node.kill();
    for (const daemon of daemons) await daemon.waitFor(({store}) => !store.healthy, 'an unhealthy store');
    await sleep(OUTLASTING_MS);
    for (const daemon of daemons) {
      assert.equal((await daemon.status())?.digest, status?.digest);
      const outcome = await daemon.ping({ip: POD_IPS[0] ?? '', place: net.hub, localAddress: POD_IPS[0] ?? ''});
      assert.ok(outcome.is === 'answered' && outcome.answer.status === 503, JSON.stringify(outcome));
    }
    for (const node of etcd.nodes) node.start();
    await etcd.settle();
    for (const daemon of daemons) await daemon.waitFor(({store}) => store.healthy, 'a healthy store');
    await agree('etcd back');
    await sleep(OUTLASTING_MS);
    await agree('etcd back for a while');
  });

  await t.test('one replica is cut off from etcd while a pod joins', async () => {
    const cut = net.cut(
      1,
      etcd.nodes.map(({port}) => port),
    );
    try {
      await second.waitFor(({store}) => !store.healthy, 'an unhealthy store');
      pods[5]?.run();
      for (const daemon of [daemons[0], third]) await daemon?.waitFor(({hosts}) => hosts.web?.length === 6, 'six pods');
      await sleep(OUTLASTING_MS);
    } finally {
      cut[Symbol.dispose]();
    }
    const joined = pods[5]?.ip ?? '';
    await second.waitFor(({store, hosts}) => store.healthy && hosts.web?.includes(joined), 'the link back');
    live.add(joined);
    await agree('link back');
  });

  await t.test('one replica is stopped for longer than a TTL', async () => {
    third.signal('SIGSTOP');
    await sleep(OUTLASTING_MS);
    third.signal('SIGCONT');
    await agree('replica awake');
  });

  await t.test("one replica's wall clock steps forth and back", async () => {
    for (const byMs of [3_600_000, -3_600_000]) {
      await clock.step(byMs);
      await sleep(TTL_MS);
      await agree(`clock ${byMs} ms off`);
    }
  });

  await t.test('a pod says down, another falls silent', async () => {
    const [gone, silent] = [pods[0] ?? assert.fail(), pods[1] ?? assert.fail()];
    for (const set of [live, watched]) set.delete(gone.ip);
    await gone.down();
    await agree('one down');
    for (const set of [live, watched]) set.delete(silent.ip);
    silent.silence();
    await agree('one silent');
  });

  assert.deepEqual(await prober.stop(), []);
  t.diagnostic(
    `${prober.seen.looks} looks at configurations; answers ${JSON.stringify(pods.map(({answers}) => Object.fromEntries(answers)))}`,
  );
  for (const load of loads) {
    const report = await load.stop();
    assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
  }
});
