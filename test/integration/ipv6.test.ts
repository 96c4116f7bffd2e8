import assert from 'node:assert/strict';
import {test} from 'node:test';
import {startBackends} from '../support/backend.ts';
import {appliedHosts, startDaemon} from '../support/daemon.ts';
import {openNamespaces, podIps, podIps6} from '../support/namespaces.ts';
import {missing} from '../support/parts.ts';
import {createSlave} from '../support/slave.ts';
import {waitFor} from '../support/wait.ts';
import {fetchText, webTemplate} from '../support/web.ts';

test('IPv6 and IPv4 slaves of one proxy, each over its own family -> balanced over both', {
  skip: missing('root', 'haproxy', 'netns'),
  timeout: 180_000,
}, async () => {
  await using net = await openNamespaces();
  const [pod4, pod6] = [podIps[0], podIps6[0]];
  await using _pods = await startBackends(
    [pod4, pod6].map(host => ({name: host, host, port: 80})),
    net.client,
  );
  const template = webTemplate(':80,:::80 v6only', 80);
  await using daemon = await startDaemon({template, place: net.proxy});
  await daemon.waitFor(({inSync}) => inSync, 'the daemon in sync');
  const slaves = [
    createSlave({ip: pod4, localAddress: pod4, place: net.client, master: {host: net.proxy.ip, port: daemon.port}}),
    // The same address in another spelling is the same slave.
    createSlave({
      ip: 'FD77:0:0:1:0:0:0:11',
      localAddress: pod6,
      place: net.client,
      master: {host: net.proxy.ip6, port: daemon.port},
    }),
  ];
  using _silence = {
    [Symbol.dispose]() {
      for (const slave of slaves) slave.silence();
    },
  };
  for (const slave of slaves) slave.run(500);
  await daemon.waitFor(async () => (await appliedHosts(daemon)).web?.length === 2, 'both applied');
  assert.deepEqual((await daemon.status())?.hosts.web?.toSorted(), ['10.77.1.11', 'fd77:0:0:1::11'].toSorted());
  for (const host of [net.proxy.ip, net.proxy.ip6]) {
    const seen = new Set<string>();
    await waitFor(async () => {
      const name = await fetchText({host, port: 80, place: net.client});
      return seen.add(name).size === 2;
    }, `both backends over ${host}`);
    assert.deepEqual([...seen].toSorted(), [pod4, pod6].toSorted());
  }
});
