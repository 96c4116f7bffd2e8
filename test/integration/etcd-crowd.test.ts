import assert from 'node:assert/strict';
import {test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {CROWD_NETWORK, crowdIp, startCrowd} from '../support/crowd.ts';
import {startLoad} from '../support/load.ts';
import {cutOff, killDaemon, killEtcd, type Mishap} from '../support/mishaps.ts';
import {missing} from '../support/parts.ts';
import {startProber} from '../support/prober.ts';
import {openReplicaSet} from '../support/replica-set.ts';

/** As many as two cores that also run other suites carry; `KONTROL_CROWD=5000` on a machine of its own. */
const PODS = Number(process.env.KONTROL_CROWD ?? 250);
/** So many say down, and as many join, while one replica is cut off. */
const MOVING = 50;

/**
 * With 5,000 pods four times the usual: daemons, proxies, etcd and all the pods share this machine, and a ping that
 * waits for a second is sent again.
 */
const TTL_MS = Math.max(12_000, 20 * PODS);
const PERIOD_MS = 0.75 * TTL_MS;
const JOINING_MS = 0.2 * TTL_MS;

/** Each look is at up to 200 kB. */
const LOOK_EVERY_MS = 500;

/** On two cores each step takes seconds, on busy ones ten times that. */
const PATIENCE_MS = 200_000;

test('a crowd of pods at three replicas -> one order everywhere, whatever befalls them; nobody missing, no request fails', {
  skip: missing('root', 'haproxy', 'netns', 'iptables', 'etcd', 'faketime'),
  timeout: 900_000,
}, async t => {
  await using set = await openReplicaSet({ttlMs: TTL_MS, podNetworks: [CROWD_NETWORK], env: {KONTROL_DAMPER: '2'}});
  const {net, daemons, live} = set;
  await using _backend = await startBackends([{name: 'any', host: '0.0.0.0', port: 80}], net.hub);
  const masters = daemons.map(({port}, index) => ({host: net.replicas[index]?.ip ?? '', port}));
  await using crowd = await startCrowd({masters, count: PODS + MOVING, periodMs: PERIOD_MS}, net.hub);
  const watched = new Set<string>();
  const rows: string[] = [];
  const agree = async (what: string) => {
    const {knownMs, servedMs} = await set.agree(what, {timeoutMs: PATIENCE_MS});
    for (const ip of live) watched.add(ip);
    rows.push(`${what.padEnd(66)} ${Math.round(knownMs)} ms, served ${Math.round(servedMs)} ms`);
  };
  const move = async (is: 'run' | 'down', from: number, to: number, withinMs = 0) => {
    for (let index = from; index < to; index += 1) {
      const ip = crowdIp(index);
      if (is === 'run') live.add(ip);
      else for (const ips of [live, watched]) ips.delete(ip);
    }
    await crowd.order({is, from, to, withinMs});
  };
  const survive = (mishap: Mishap, meanwhile: () => Promise<void> = async () => {}) =>
    t.test(mishap.what, async () => {
      const heal = await mishap.befall(set);
      await meanwhile();
      await heal();
      await agree(mishap.what);
    });

  await set.agree('nobody', {timeoutMs: PATIENCE_MS});
  await move('run', 0, PODS, JOINING_MS);
  await agree(`${PODS} pods join within ${JOINING_MS} ms`);
  const prober = startProber(daemons, watched, LOOK_EVERY_MS);
  await using loads = new AsyncDisposableStack();
  const running = [];
  for (const {ip} of net.replicas) {
    const settings = {mode: 'connect', perSecond: 10, host: ip, port: 80, durationMs: 600_000} as const;
    running.push(loads.use(await startLoad(settings, net.hub)));
  }

  await survive(cutOff(1), async () => {
    await move('down', 0, MOVING);
    await move('run', PODS, PODS + MOVING);
    await set.agree('some leave and join while one is cut off', {among: [0, 2], timeoutMs: PATIENCE_MS});
  });
  const loaded = set.daemon(1).logs.filter(({msg}) => msg === 'members loaded from etcd').length;
  assert.equal(loaded, 2, 'once at the start, once for what was compacted');
  await survive(killDaemon(0));
  await survive(killEtcd);

  t.diagnostic(`the same hosts at all three:\n${rows.join('\n')}`);
  t.diagnostic(`${prober.looks} looks at configurations; answers to pings ${JSON.stringify(await crowd.tally())}`);
  assert.deepEqual(await prober.stop(), []);
  for (const load of running) {
    const report = await load.stop();
    assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
  }
});
