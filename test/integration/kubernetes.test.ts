import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {APISERVER_SUITE_MS, type ApiServer, startApiServer} from '../kubernetes/apiserver.ts';
import {openNamespace} from '../kubernetes/cluster.ts';
import {
  CONFIG,
  LABELS,
  locationAt,
  PATIENCE_MS,
  SERVICES,
  see,
  seeServed,
  TLS,
  templateOf,
} from '../kubernetes/served.ts';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';

describe('a pod in a cluster', {skip: missing('haproxy', 'apiserver', 'openssl'), timeout: APISERVER_SUITE_MS}, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api[Symbol.asyncDispose]());

  test('boot and a changed annotation -> served at once, status says where from', async () => {
    const space = await openNamespace(api);
    const port = await freePort();
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, 'one')},
      ip: '10.9.0.1',
    });
    await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
    await seeServed(port, 'one', daemon);
    await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'two')});
    await seeServed(port, 'two', daemon);
    const status = await daemon.status();
    assert.equal(status?.kubernetes?.pod.sources.annotations, 'api');
    assert.equal(status?.kubernetes?.pod.node, 'forbidden');
  });

  test('the API server is killed and restarted, the change came meanwhile or after -> nothing is missed', async () => {
    const space = await openNamespace(api);
    const port = await freePort();
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, 'one')},
      ip: '10.9.0.1',
    });
    await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
    await seeServed(port, 'one', daemon);
    await api.kill();
    await daemon.waitFor(status => status.kubernetes?.pod.watch?.state === 'failing', 'a failing watch', PATIENCE_MS);
    assert.equal(await locationAt(port), '/one');
    assert.equal((await daemon.ping({ip: '10.9.1.1'})).is, 'answered');
    await api.start();
    await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'two')});
    await seeServed(port, 'two', daemon);
  });

  test('a watch that the server closes -> goes on; an expired token -> the fresh one of the file', async () => {
    const space = await openNamespace(api);
    const port = await freePort();
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, 'one')},
      ip: '10.9.0.1',
    });
    await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
    await seeServed(port, 'one', daemon);
    await space.writeToken('no.token.at-all');
    await daemon.waitFor(
      status => /401/.test(status.kubernetes?.pod.watch?.reason ?? ''),
      'a refused token',
      PATIENCE_MS,
    );
    await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'two')});
    assert.equal(await locationAt(port), '/one');
    await space.writeToken();
    await seeServed(port, 'two', daemon);
  });

  test('a Pod without its IP -> waited for; without one for too long -> one clear line and an exit code', async () => {
    const space = await openNamespace(api);
    const port = await freePort();
    await space.createPod('haproxy-1', {labels: LABELS, annotations: {[CONFIG]: templateOf(port, 'one')}});
    {
      const env = {...space.environment('haproxy-1'), KONTROL_POD_WAIT: '10'};
      await using hasty = await startDaemon({template: '', env});
      assert.equal((await hasty.exited).code, 20);
      assert.match(
        JSON.stringify(hasty.logs),
        /cannot learn its IP \(status\.podIP\) of pod test-\d+\/haproxy-1 within 10 s/,
      );
    }
    await using patient = await startDaemon({template: '', env: space.environment('haproxy-1')});
    await see(patient, async () => patient.logs.length > 0, 'a started daemon');
    await space.setPodStatus('haproxy-1', {podIP: '10.9.0.1', podIPs: [{ip: '10.9.0.1'}]});
    await seeServed(port, 'one', patient);
  });

  test('what the Role does not reach -> absent, said once, and everything else serves', async () => {
    const space = await openNamespace(api);
    const port = await freePort();
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, 'one'), [TLS]: 'secret-a', [SERVICES]: 'web'},
      ip: '10.9.0.1',
    });
    await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
    await seeServed(port, 'one', daemon);
    const {kubernetes} = (await daemon.status()) ?? {};
    assert.match(kubernetes?.certificates[0]?.problem ?? '', /403/);
    assert.equal(kubernetes?.pod.node, 'forbidden');
    for (const what of ['secret', 'endpoints']) {
      const warnings = daemon.logs.filter(
        ({msg, reason}) => String(msg).startsWith('kubernetes api fails') && String(reason).startsWith(what),
      );
      assert.equal(warnings.length, 1, JSON.stringify(warnings));
    }
    assert.equal(daemon.logs.filter(({msg}) => String(msg).startsWith('node unknown')).length, 1);
  });

  test('the node, where that is permitted -> its labels in the template, its address in the status', async () => {
    const space = await openNamespace(api);
    const port = await freePort();
    await space.createNode('node-7', {labels: {rack: 'r12'}, externalIp: '192.0.2.7'});
    await space.permitNodes();
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, "{{ node.labels['rack'] }}")},
      ip: '10.9.0.1',
      nodeName: 'node-7',
    });
    await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
    await seeServed(port, 'r12', daemon);
    const {pod} = (await daemon.status())?.kubernetes ?? {};
    assert.deepEqual([pod?.node, pod?.nodeName, pod?.eip], ['known', 'node-7', '192.0.2.7']);
  });
});
