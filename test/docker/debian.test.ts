import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {before, describe, test} from 'node:test';
import {isDeepStrictEqual} from 'node:util';
import {startLoad} from '../support/load.ts';
import {openNamespaces, podIps, type TwoNamespaces} from '../support/namespaces.ts';
import {waitFor} from '../support/wait.ts';
import {CONFINED, type Container, startContainer, TEMPLATE} from './container.ts';
import {debianImage as image, imageSuite, untilBuilt} from './images.ts';
import {allowLowPorts, answersWith, startBackendPods} from './network.ts';
import {podman, tryPodman} from './podman.ts';
import {processesIn} from './processes.ts';
import {temporaryFolder} from './temporary-folder.ts';

/** All three pods ping once, and the proxy serves each. */
async function seeServing(container: Container, net: TwoNamespaces): Promise<void> {
  await container.waitFor(status => status.proxy.state === 'RUNNING', 'a running proxy');
  for (const ip of podIps) {
    const outcome = await container.slave(ip).ping();
    assert.ok(outcome.is === 'answered' && outcome.answer.status === 200, JSON.stringify(outcome));
  }
  await container.waitFor(
    ({inSync, hosts}) => inSync && isDeepStrictEqual(hosts, {web: podIps}),
    'three pods in the configuration',
  );
  const seen = new Set<string | undefined>();
  await waitFor(async () => {
    seen.add(await answersWith(net));
    return podIps.every(ip => seen.has(ip));
  }, 'an answer of every pod');
}

const rulesOf = ({proxy}: TwoNamespaces): string => {
  const [file = '', ...args] = proxy.exec(['iptables', '-w', '-S']);
  return execFileSync(file, args, {encoding: 'utf8'});
};

describe('the Debian image', imageSuite(), () => {
  before(untilBuilt);

  test('a plain user, a read-only root, no capabilities -> healthy, serves, outlives a killed HAProxy, drains, exits 0', async () => {
    await using net = await openNamespaces();
    allowLowPorts(net.proxy);
    await using _backends = await startBackendPods(net);
    await using container = await startContainer({image, net, options: CONFINED});
    await seeServing(container, net);
    assert.equal((await tryPodman('healthcheck', 'run', container.id)).code, 0);
    assert.equal(await container.exec('id', '-u'), '10001');
    for (const path of ['/', '/etc', '/usr/local/lib/haproxy-kontrol', '/run', '/var/tmp']) {
      assert.notEqual((await tryPodman('exec', container.id, 'touch', `${path}/x`)).code, 0, path);
    }

    const killed = await container.waitFor(({proxy}) => proxy.pid, 'HAProxy');
    await container.exec('node', '-e', `process.kill(${killed}, 'SIGKILL')`);
    await container.waitFor(({proxy}) => proxy.state === 'RUNNING' && proxy.pid !== killed, 'another HAProxy');
    assert.ok(await waitFor(() => answersWith(net), 'an answer after the kill'));
    assert.deepEqual(
      (await processesIn(container)).filter(({pid, state}) => pid === killed || state === 'Z'),
      [],
    );

    await using downloads = await startLoad(
      {mode: 'slow', clients: 3, host: net.proxy.ip, port: 80, durationMs: 60_000},
      net.client,
    );
    await waitFor(async () => (await downloads.report()).sent >= 3, 'downloads under way');
    const ended = downloads.stop();
    await podman('stop', '--time=40', container.id);
    assert.equal(await container.exitCode(), 0, await container.logs());
    const report = await ended;
    assert.deepEqual({failures: report.failures, ok: report.ok}, {failures: {}, ok: report.sent});
  });

  test('a block leaves 100 grandchildren -> PID 1 inherits and reaps every one', async () => {
    await using net = await openNamespaces();
    allowLowPorts(net.proxy);
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'lifecycle.yml'), ORPHANING);
    await using container = await startContainer({
      image,
      net,
      env: {KONTROL_LIFECYCLE: '/etc/kontrol/lifecycle.yml'},
      options: [...CONFINED, `--volume=${folder.path}:/etc/kontrol:ro`],
    });
    await container.waitFor(status => status.proxy.state === 'RUNNING', 'a running proxy');
    const parents = await waitFor(async () => {
      // The file is there once the first of them has spoken.
      const lines = (await tryPodman('exec', container.id, 'cat', '/data/parents')).stdout.trim().split('\n');
      return lines.length >= 100 && lines;
    }, 'the word of 100 orphans');
    assert.deepEqual(parents, Array(100).fill('1'));
    await waitFor(
      async () => (await processesIn(container)).every(({name, state}) => state !== 'Z' && name !== 'sh'),
      'no orphan and no zombie',
    );
  });

  test('a fault in the settings, a killed daemon -> the exit codes pass through the init', async () => {
    await using net = await openNamespaces();
    allowLowPorts(net.proxy);
    await using faulty = await startContainer({image, net, env: {KONTROL_LABELS: '{}'}, options: CONFINED});
    assert.equal(await faulty.exitCode(), 2, await faulty.logs());
    await using container = await startContainer({image, net, options: CONFINED});
    await container.waitFor(status => status.proxy.state === 'RUNNING', 'a running proxy');
    const daemon = (await processesIn(container)).find(({parent}) => parent === 1);
    assert.ok(daemon);
    await container.exec('node', '-e', `process.kill(${daemon.pid}, 'SIGKILL')`).catch(() => {});
    assert.equal(await container.exitCode(), 128 + 9);
  });

  test('root with NET_ADMIN, killed while the gate is shut -> the next container opens it', async () => {
    await using net = await openNamespaces();
    allowLowPorts(net.proxy);
    await using _backends = await startBackendPods(net);
    const options = [...CONFINED, '--user=0', '--cap-add=NET_ADMIN', '--cap-add=NET_RAW'];
    // The longest settle keeps the gate shut for long enough to be caught at it.
    // More than servers differ, else HAProxy would be told over its socket, without a reload.
    const template = `${TEMPLATE}\n  http-response set-header x-pods "{{ hosts.web | length }}"\n`;
    const env = {KONTROL_RELOAD: 'syn-drop', KONTROL_SETTLE_MS: '1000', KONTROL_TEMPLATE: template};
    await using killed = await startContainer({image, net, env, options});
    await killed.waitFor(status => status.proxy.state === 'RUNNING', 'a running proxy');
    await killed.slave(podIps[0]).ping();
    await waitFor(() => /-j DROP/.test(rulesOf(net)), 'a shut gate', {evidence: () => rulesOf(net)});
    await podman('kill', '--signal=KILL', killed.id);
    assert.equal(await killed.exitCode(), 128 + 9);
    assert.match(rulesOf(net), /-j DROP/);

    await using next = await startContainer({image, net, env, options});
    await seeServing(next, net);
    await waitFor(() => !/-j DROP/.test(rulesOf(net)), 'an open gate', {evidence: () => rulesOf(net)});
  });
});

/** Each grandchild writes down who its parent is once its own parent has gone. */
const ORPHANING = `
initial: setup
terminal: stop
states:
  - tag: setup
    next: [configure]
    shell: |
      count=0
      while [ $count -lt 100 ]; do
        (sh -c 'sleep 0.5
          while read -r name value; do [ "$name" != PPid: ] || echo "$value" >>/data/parents; done </proc/$$/status
        ' >/dev/null 2>&1 &)
        count=$((count + 1))
      done
  - tag: configure
    run: [render, validate, apply]
    next: [configure]
  - tag: stop
    run: [drain]
`;
