import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {APISERVER_SUITE_MS, type ApiServer, startApiServer} from '../kubernetes/apiserver.ts';
import {openNamespace} from '../kubernetes/cluster.ts';
import {type Behaviour, openFaultProxy} from '../kubernetes/fault-proxy.ts';
import {CONFIG, LABELS, locationAt, PATIENCE_MS, seeServed, templateOf} from '../kubernetes/served.ts';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {waitFor} from '../support/wait.ts';

// Most of the time is spent waiting for time-outs: side by side they cost little.
describe('a faulty API', {
  skip: missing('haproxy', 'apiserver', 'openssl'),
  timeout: APISERVER_SUITE_MS,
  concurrency: 4,
}, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api[Symbol.asyncDispose]());

  for (const behaviour of ['error', 'garbage', 'cutting', 'silent'] as const satisfies readonly Behaviour[]) {
    test(`${behaviour} while the pod runs -> proxy and pings go on, the API is not hammered, then a change is seen`, async t => {
      const space = await openNamespace(api, {with: ['components/services/rbac.yaml', 'components/verify/rbac.yaml']});
      await using proxy = await openFaultProxy(api);
      const port = await freePort();
      const annotations = {[CONFIG]: templateOf(port, 'one'), 'haproxy.unity3d.com/services': 'web'};
      await space.setEndpoints('web', [{ip: '10.9.2.1', ready: true}]);
      await space.createPod('haproxy-1', {labels: LABELS, annotations, ip: '10.9.0.1'});
      await space.createPod('web-1', {labels: {app: 'web'}, ip: '10.9.1.1'});
      const env = {...space.environment('haproxy-1', proxy.port), KONTROL_VERIFY: 'pods'};
      await using daemon = await startDaemon({template: '', env});
      await seeServed(port, 'one', daemon);
      await daemon.waitFor(status => status.kubernetes?.verify.pods?.known === 2, 'known pods', PATIENCE_MS);
      assert.equal(await daemon.ping({ip: '10.9.1.1', id: 'web-1'}).then(({is}) => is), 'answered');
      await daemon.waitFor(status => status.memberCount === 1, 'a member', PATIENCE_MS);

      proxy.become(behaviour);
      await daemon.waitFor(status => status.kubernetes?.pod.watch?.state === 'failing', 'a failing watch', PATIENCE_MS);
      const {arrivals} = proxy;
      const sinceMs = performance.now();
      await waitFor(async () => {
        assert.equal(await locationAt(port), '/one');
        const outcome = await daemon.ping({ip: '10.9.1.1', id: 'web-1'});
        assert.ok(outcome.is === 'answered' && outcome.answer.status === 200, JSON.stringify(outcome));
        return performance.now() - sinceMs > 5000;
      }, 'five seconds of pings and requests');
      t.diagnostic(`${proxy.arrivals - arrivals} arrivals in 5 s`);
      assert.ok(proxy.arrivals - arrivals < 60, `${proxy.arrivals - arrivals} arrivals in 5 s`);
      const status = await daemon.status();
      assert.deepEqual(status?.hosts, {web: ['10.9.1.1', '10.9.2.1']});

      await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'two')});
      proxy.become('honest');
      await seeServed(port, 'two', daemon);
    });
  }

  for (const behaviour of ['error', 'garbage', 'silent'] as const satisfies readonly Behaviour[]) {
    test(`${behaviour} when the container is restarted -> starts with what is remembered, follows once it can`, async () => {
      const space = await openNamespace(api, {with: ['components/services/rbac.yaml']});
      await using proxy = await openFaultProxy(api);
      const port = await freePort();
      const annotations = {[CONFIG]: templateOf(port, 'one'), 'haproxy.unity3d.com/services': 'web'};
      await space.setEndpoints('web', [{ip: '10.9.2.1', ready: true}]);
      await space.createPod('haproxy-1', {labels: LABELS, annotations, ip: '10.9.0.1'});
      const env = space.environment('haproxy-1', proxy.port);
      await using first = await startDaemon({template: '', env});
      await seeServed(port, 'one', first);
      await waitFor(() => existsSync(join(first.dataFolder, 'services.json')), 'remembered endpoints');
      first.signal('SIGTERM');
      assert.equal((await first.exited).code, 0);

      proxy.become(behaviour);
      await using second = await startDaemon({template: '', env, dataFolder: first.dataFolder});
      await seeServed(port, 'one', second);
      await second.waitFor(
        status => status.kubernetes?.pod.sources.annotations === 'remembered',
        'remembered facts',
        PATIENCE_MS,
      );
      assert.deepEqual((await second.status())?.hosts, {web: ['10.9.2.1']});
      await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'two')});
      proxy.become('honest');
      await seeServed(port, 'two', second);
    });
  }

  test('a certificate that the CA did not sign -> never trusted: a clear end after the wait', async () => {
    const space = await openNamespace(api);
    await space.createPod('haproxy-1', {labels: LABELS, annotations: {[CONFIG]: templateOf(1, 'one')}, ip: '10.9.0.1'});
    await space.distrust();
    const env = {...space.environment('haproxy-1'), KONTROL_POD_WAIT: '2'};
    await using daemon = await startDaemon({template: '', env});
    assert.equal((await daemon.exited).code, 20);
    assert.match(JSON.stringify(daemon.logs), /certificate|self.signed/i);
  });
});
