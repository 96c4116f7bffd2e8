import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {startBackends} from '../support/backend.ts';
import {createFrontedPod, type FrontedPod} from '../support/front.ts';
import {startLoad} from '../support/load.ts';
import {
  cutOff,
  killDaemon,
  killEtcd,
  killNode,
  type Mishap,
  outlastLeases,
  pauseDaemon,
  stepClock,
} from '../support/mishaps.ts';
import {missing} from '../support/parts.ts';
import {startProber} from '../support/prober.ts';
import {openReplicaSet} from '../support/replica-set.ts';
import {startService} from '../support/service.ts';
import {waitFor} from '../support/wait.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const TTL_MS = 4000;
const PERIOD_MS = 0.75 * TTL_MS;

const PAUSE_MS = 60_000;

interface Survival {
  readonly meanwhile?: () => Promise<void>;
  /** Who can agree; all when absent. */
  readonly among?: readonly number[];
}

const POD_IPS = Array.from({length: 6}, (_, index) => `10.78.1.${11 + index}`);

test('three replicas, etcd and what can befall them -> the same hosts everywhere, nobody missing, no request fails', {
  skip: missing('root', 'haproxy', 'netns', 'iptables', 'etcd', 'faketime'),
  timeout: 300_000,
}, async t => {
  await using set = await openReplicaSet({ttlMs: TTL_MS, podIps: POD_IPS});
  const {net, etcd, daemons, live} = set;
  await using _backends = await startBackends(
    POD_IPS.map(host => ({name: host, host, port: 80})),
    net.hub,
  );
  await using service = startService(set);
  const pods = POD_IPS.map(ip =>
    createFrontedPod({
      ip,
      place: net.hub,
      periodMs: PERIOD_MS,
      endpoints: service.endpoints,
    }),
  );
  const pod = (index: number): FrontedPod => pods[index] ?? assert.fail();
  using _silence = {
    [Symbol.dispose]() {
      for (const {silence} of pods) silence();
    },
  };
  /** Who may be missing nowhere: one that joins is served a moment later. */
  const watched = new Set<string>();
  const leave = (ip: string) => {
    live.delete(ip);
    watched.delete(ip);
  };
  const rows: string[] = [];
  const phases: string[] = [];
  let digest: string | null | undefined;
  const agree = async (what: string, among?: readonly number[]) => {
    const {knownMs, servedMs, statuses} = await set.agree(what, {...(among && {among})});
    for (const ip of live) watched.add(ip);
    digest = statuses[0]?.digest;
    phases.push(`${new Date().toISOString()} all agree: ${what}`);
    rows.push(`${what.padEnd(66)} ${Math.round(knownMs)} ms, served ${Math.round(servedMs)} ms`);
  };
  /** Lets something befall the replicas for longer than any lease lives, `meanwhile` included, and heals it. */
  const survive = (mishap: Mishap, {meanwhile, among}: Survival = {}) =>
    t.test(mishap.what, async () => {
      phases.push(`${new Date().toISOString()} ${mishap.what}`);
      const heal = await mishap.befall(set);
      try {
        await Promise.all([outlastLeases(set), meanwhile?.()]);
      } finally {
        phases.push(`${new Date().toISOString()} healing: ${mishap.what}`);
        await heal();
      }
      await agree(mishap.what, among);
    });

  for (const one of pods.slice(0, 5)) {
    one.run();
    live.add(one.ip);
  }
  const seesFleet = (index: number, ids: readonly string[]) =>
    set.daemon(index).waitFor(({fleet}) => fleet?.map(({id}) => id).join() === ids.join(), ids.join());
  await agree('five pods join');
  const prober = startProber(daemons, watched);
  await using loads = new AsyncDisposableStack();
  const running = [];
  for (const {ip} of net.replicas) {
    const settings = {mode: 'connect', perSecond: 40, host: ip, port: 80, durationMs: 240_000} as const;
    running.push(loads.use(await startLoad(settings, net.hub)));
  }
  const all = ['lb-0', 'lb-1', 'lb-2'];
  for (const index of [0, 1, 2]) await seesFleet(index, all);
  await agree('traffic begins');

  await t.test('status --all -> the table, and content', () => {
    const place = net.replicas[0] ?? assert.fail();
    const [file = '', ...args] = place.exec([process.execPath, MAIN, 'status', '--all', '--within', '30']);
    const table = execFileSync(file, args, {encoding: 'utf8'});
    assert.equal(table.match(/^lb-\d .* yes$/gm)?.length, 3, table);
  });

  // One is paused for a minute; meanwhile others are killed.
  const paused = sleep(PAUSE_MS);
  const wake = await pauseDaemon(2).befall(set);
  const among = [0, 1];
  for (const index of among) await seesFleet(index, ['lb-0', 'lb-1']);
  await survive(killDaemon(0), {among});
  await survive(killNode, {among});
  await survive(stepClock(3_600_000), {among});
  await t.test('a daemon was paused for a minute -> it agrees again, and all see it', async () => {
    await paused;
    await wake();
    await agree('a daemon is paused for a minute');
    for (const index of [0, 1, 2]) await seesFleet(index, all);
  });

  await survive(killEtcd, {
    async meanwhile() {
      const {ip} = pod(0);
      for (const daemon of daemons) {
        const isRefused = async () => {
          const outcome = await daemon.ping({ip, place: net.hub, localAddress: ip});
          return outcome.is === 'answered' && outcome.answer.status === 503;
        };
        await waitFor(isRefused, 'a 503');
        assert.equal((await daemon.status())?.digest, digest);
      }
    },
  });
  await survive(cutOff(1), {
    async meanwhile() {
      pod(5).run();
      live.add(pod(5).ip);
      for (const index of [0, 2]) await set.daemon(index).waitFor(({hosts}) => hosts.web?.length === 6, 'six pods');
    },
  });

  await t.test('a ping that comes just after etcd ended the lease -> nobody missed the pod', async () => {
    const late = pod(4);
    const key = `/kontrol/default/haproxy/members/${late.ip}`;
    late.silence();
    await waitFor(async () => !(await etcd.keys(key)).includes(key), 'the end of the lease');
    late.run();
    await waitFor(async () => (await etcd.keys(key)).includes(key), 'the pod in etcd again');
    await agree('a late ping');
  });

  await t.test('a pod says down, another falls silent', async () => {
    leave(pod(0).ip);
    await pod(0).down();
    await agree('a pod says down');
    leave(pod(1).ip);
    pod(1).silence();
    const key = `/kontrol/default/haproxy/members/${pod(1).ip}`;
    await waitFor(async () => !(await etcd.keys(key)).includes(key), 'the end of the lease');
    await agree('a pod is silent (from the end of its lease)');
  });

  const faults = await prober.stop();
  const told = () => [...faults, ...[...phases, ...pods.flatMap(({story}) => story)].toSorted()].join('\n');
  assert.ok(faults.length === 0, `somebody was missing:\n${told()}`);
  t.diagnostic(`the same hosts at all three after healing:\n${rows.join('\n')}`);
  const answers = pods.map(one => Object.fromEntries(one.answers));
  t.diagnostic(`${prober.looks} looks at configurations; answers to pings ${JSON.stringify(answers)}`);
  for (const load of running) {
    const report = await load.stop();
    assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
  }
});
