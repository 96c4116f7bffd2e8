import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {test} from 'node:test';
import {isDeepStrictEqual} from 'node:util';
import {startBackends} from '../support/backend.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {getSegments} from '../support/exchange.ts';
import {answersBetween, type Load, startLoad} from '../support/load.ts';
import {openNamespaces, podIps} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import type {Place} from '../support/place.ts';
import {haproxiesOf} from '../support/processes.ts';
import type {MemberStatus} from '../support/status.ts';
import {waitFor} from '../support/wait.ts';

const TEMPLATE = `
frontend proxy
  mode http
  bind *:80
  timeout client 15s
  default_backend web

backend web
  mode http
  balance roundrobin
  timeout connect 2s
  timeout server 15s
{%- for key in hosts %}{% for ip in hosts[key] %}
  server {{key}}-{{loop.index}} {{ip}}:80
{%- endfor %}{% endfor %}
`;

const TTL_MS = 8000;

/** A slave's keepalive period is a share of the TTL: docs/contract-2017.md#keepalive. */
const PERIOD_MS = 0.75 * TTL_MS;

/** Answers that may still come from before a change, and those that are then counted. */
const SKIPPED_ANSWERS = 40;
const COUNTED_ANSWERS = 150;

/** How far a backend's share of them may be from an even one. */
const UNEVEN = 0.2;

/** Waits until the applied configuration holds exactly these addresses, in this order, as `/state` and `/status` say. */
async function seeHosts(daemon: Daemon, ips: readonly string[]): Promise<void> {
  const applied = async () => {
    const state = await daemon.getMaster('/state');
    return isDeepStrictEqual(state && JSON.parse(state.body).hosts, {web: ips});
  };
  await daemon.waitFor(
    async status => status.inSync && isDeepStrictEqual(status.hosts, {web: ips}) && (await applied()),
    `${ips.join(', ')} applied`,
  );
}

/** Asserts that from now on exactly these backends answer, each its even share. */
async function seeBalanced(load: Load, ips: readonly string[]): Promise<void> {
  const answersAfter = async (count: number) => {
    const {ok} = await load.report();
    return await waitFor(async () => {
      const report = await load.report();
      return report.ok >= ok + count && report;
    }, `${count} answers`);
  };
  const before = await answersAfter(SKIPPED_ANSWERS);
  const counts = answersBetween(before, await answersAfter(COUNTED_ANSWERS));
  assert.deepEqual(Object.keys(counts).sort(), [...ips].sort());
  const even = Object.values(counts).reduce((sum, count) => sum + count, 0) / ips.length;
  for (const count of Object.values(counts)) assert.ok(Math.abs(count - even) <= UNEVEN * even, JSON.stringify(counts));
}

async function answers(place: Place, host: string): Promise<boolean> {
  const outcome = await place.exchange({host, port: 80, segments: getSegments('/', host), timeoutMs: 1000});
  return outcome.is === 'answered' && outcome.answer.status === 200;
}

/**
 * The main job from end to end. Slaves join in an order that is not their addresses', so that only `seq` explains the
 * order of the hosts.
 */
test('three slaves join, one says down, one falls silent, one returns -> balanced, no request fails', {
  skip: missing('root', 'haproxy', 'netns'),
  timeout: 300_000,
}, async t => {
  await using net = await openNamespaces();
  await using _backends = await startBackends(
    podIps.map(host => ({name: host, host, port: 80})),
    net.client,
  );
  await using daemon = await startDaemon({
    template: TEMPLATE,
    place: net.proxy,
    env: {KONTROL_TTL: String(TTL_MS / 1000), KONTROL_LINGER: '0.2', KONTROL_GRACE: '10'},
  });
  const [b, a, c] = podIps;
  const slaveAt = (ip: string) => daemon.slave({ip, place: net.client, localAddress: ip});
  const [first, second, third] = [slaveAt(a), slaveAt(b), slaveAt(c)];
  using _silence = {
    [Symbol.dispose]() {
      for (const slave of [first, second, third]) slave.silence();
    },
  };

  first.run(PERIOD_MS);
  await seeHosts(daemon, [a]);
  const target = {host: net.proxy.ip, port: 80, durationMs: 100_000};
  await using load = await startLoad({mode: 'connect', perSecond: 200, ...target}, net.client);
  await using downloads = await startLoad({mode: 'slow', clients: 4, ...target}, net.client);
  await seeBalanced(load, [a]);

  second.run(PERIOD_MS);
  await seeHosts(daemon, [a, b]);
  third.run(PERIOD_MS);
  await seeHosts(daemon, [a, b, c]);
  await seeBalanced(load, [a, b, c]);
  await daemon.waitFor(status => status.ready && status.proxy.state === 'RUNNING', 'a ready proxy');

  await second.down();
  await seeHosts(daemon, [a, c]);
  await seeBalanced(load, [a, c]);

  third.silence();
  await third.ping();
  const silentSince = performance.now();
  await seeHosts(daemon, [a]);
  assert.ok(performance.now() - silentSince >= TTL_MS, 'gone before its TTL');
  assert.ok(await answers(net.client, c), 'the silent slave still answers');
  await seeBalanced(load, [a]);

  second.run(PERIOD_MS);
  await seeHosts(daemon, [a, b]);
  await seeBalanced(load, [a, b]);
  const members: MemberStatus[] = JSON.parse((await daemon.get('/members'))?.body ?? '[]');
  const web = members.filter(({app}) => app === 'web').map(({ip, seq}) => ({ip, seq}));
  assert.deepEqual(
    web.map(({ip}) => ip),
    [a, b],
  );
  assert.ok((web[0]?.seq ?? 0) < (web[1]?.seq ?? 0) && (web[1]?.seq ?? 0) > 3, JSON.stringify(web));

  const status = await daemon.status();
  assert.match(status?.reload.way ?? '', /^(transfer|inherit|migrate)$/, status?.reload.why);
  const [report, slow] = [await load.stop(), await downloads.stop()];
  t.diagnostic(`load ${JSON.stringify(report)}`);
  t.diagnostic(`downloads ${JSON.stringify(slow)}`);
  t.diagnostic(`last reload ${JSON.stringify(status?.reload.last)}`);
  assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
  assert.deepEqual({failures: slow.failures, ok: slow.ok}, {failures: {}, ok: slow.sent});

  daemon.signal('SIGTERM');
  assert.deepEqual(await daemon.exited, {code: 0, signal: null});
  assert.deepEqual(haproxiesOf(daemon.dataFolder), []);
  if (!missing('iptables')) assert.doesNotMatch(rulesOf(net.proxy), /DROP/);
});

function rulesOf(place: Place): string {
  const rules = (['iptables', 'ip6tables'] as const).map(program => {
    const [file = '', ...args] = place.exec([program, '-w', '-S']);
    return execFileSync(file, args, {encoding: 'utf8'});
  });
  return rules.join('');
}
