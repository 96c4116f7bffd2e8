import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {createApiSource} from '../kubernetes/api-world.ts';
import {APISERVER_SUITE_MS, type ApiServer, startApiServer} from '../kubernetes/apiserver.ts';
import {testCertificates} from '../kubernetes/certificate-cases.ts';
import {openNamespace} from '../kubernetes/cluster.ts';
import {openFaultProxy} from '../kubernetes/fault-proxy.ts';
import {testPod} from '../kubernetes/pod-cases.ts';
import {CONFIG, LABELS, locationAt, PATIENCE_MS, see, seeServed, templateOf} from '../kubernetes/served.ts';
import {startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';

/** Requests of a daemon that asks again and again without a pause would be hundreds. */
const FEW_ARRIVALS = 20;

/** Long enough for a start on a busy machine. */
const TOKEN_MS = 30_000;

describe('a pod in a cluster', {
  skip: missing('haproxy', 'apiserver', 'openssl', 'faketime'),
  timeout: APISERVER_SUITE_MS,
}, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api[Symbol.asyncDispose]());

  /** A namespace with the pod haproxy-1 in it, whose template serves `one` on the port. */
  const openPod = async (annotations: Readonly<Record<string, string>> = {}, nodeName = 'node-1') => {
    const [space, port] = [await openNamespace(api), await freePort()];
    const all = {[CONFIG]: templateOf(port, 'one'), ...annotations};
    await space.createPod('haproxy-1', {labels: LABELS, annotations: all, ip: '10.9.0.1', nodeName});
    return {space, port};
  };

  // Those that wait for the server's own time limits come first: the others pass meanwhile.
  describe('side by side', {concurrency: 5}, () => {
    test('a watch that the server closes -> goes on with one request, and nothing is missed', async () => {
      const {space, port} = await openPod();
      await using proxy = await openFaultProxy(api);
      await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1', proxy.port)});
      await seeServed(port, 'one', daemon);
      proxy.become('honest');
      await see(daemon, async () => proxy.arrivals >= 2, 'a watch begun anew');
      const {watch} = (await daemon.status())?.kubernetes?.pod ?? {};
      assert.equal(watch?.state, 'watching');
      await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'two')});
      await seeServed(port, 'two', daemon);
      assert.ok(proxy.arrivals <= FEW_ARRIVALS, `${proxy.arrivals} arrivals`);
    });

    test('its token expires -> it serves on, does not hammer, and goes on with the fresh one of the file', async t => {
      const {space, port} = await openPod();
      await using proxy = await openFaultProxy(api);
      await space.writeToken(TOKEN_MS);
      await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1', proxy.port)});
      await seeServed(port, 'one', daemon);
      await see(daemon, async () => !(await space.isTokenGood()), 'an expired token');
      proxy.become('honest');
      await daemon.waitFor(
        ({kubernetes}) => /^401 /.test(kubernetes?.pod.watch?.reason ?? ''),
        'a refused token',
        PATIENCE_MS,
      );
      await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'two')});
      await daemon.waitFor(({kubernetes}) => (kubernetes?.pod.watch?.failures ?? 0) >= 3, 'more tries', PATIENCE_MS);
      t.diagnostic(`${proxy.arrivals} requests for three refusals in a row`);
      assert.ok(proxy.arrivals <= FEW_ARRIVALS, `${proxy.arrivals} requests`);
      assert.equal(await locationAt(port), '/one');
      const outcome = await daemon.ping({ip: '10.9.1.1'});
      assert.ok(outcome.is === 'answered' && outcome.answer.status === 200, JSON.stringify(outcome));
      await space.writeToken();
      await seeServed(port, 'two', daemon);
    });

    test('KONTROL_VERIFY=pods that the Role does not reach -> 503 that says so, the proxy serves', async () => {
      const {space, port} = await openPod();
      const env = {...space.environment('haproxy-1'), KONTROL_VERIFY: 'pods'};
      await using daemon = await startDaemon({template: '', env});
      await seeServed(port, 'one', daemon);
      const isTold = async () => {
        const outcome = await daemon.ping({ip: '10.9.1.1'});
        assert.ok(outcome.is === 'answered' && outcome.answer.status === 503, JSON.stringify(outcome));
        return /the API has not told the pods of namespace test-\d+ \(403 /.test(outcome.answer.body);
      };
      await see(daemon, isTold, 'a refusal that says what lacks');
    });

    test('the node, where that is permitted -> its labels in the template, its address in the status', async () => {
      const {space, port} = await openPod({}, 'node-7');
      await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, "{{ node.labels['rack'] }}")});
      await space.createNode('node-7', {labels: {rack: 'r12'}, externalIp: '192.0.2.7'});
      await space.permitNodes();
      await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
      await seeServed(port, 'r12', daemon);
      const {pod} = (await daemon.status())?.kubernetes ?? {};
      assert.deepEqual([pod?.node, pod?.nodeName, pod?.eip], ['known', 'node-7', '192.0.2.7']);
    });

    const source = createApiSource(() => api);
    testPod(source);
    testCertificates(source);
  });

  test('the API server is killed and restarted, its history is gone -> nothing is missed, 410 Gone is no loop', async t => {
    // The older one first: its version is then older than all that the restarted server remembers.
    const [untouched, away] = [await openPod(), await openPod()];
    await using proxy = await openFaultProxy(api);
    await using first = await startDaemon({template: '', env: away.space.environment('haproxy-1')});
    await seeServed(away.port, 'one', first);
    await api.kill();
    await first.waitFor(status => status.kubernetes?.pod.watch?.state === 'failing', 'a failing watch', PATIENCE_MS);
    assert.equal(await locationAt(away.port), '/one');
    assert.equal((await first.ping({ip: '10.9.1.1'})).is, 'answered');
    await api.compact();
    await api.start();
    await away.space.annotate('haproxy-1', {[CONFIG]: templateOf(away.port, 'two')});
    await seeServed(away.port, 'two', first);

    await using second = await startDaemon({template: '', env: untouched.space.environment('haproxy-1', proxy.port)});
    const gone = () => second.logs.filter(({msg}) => /version is gone/.test(String(msg))).length;
    await seeServed(untouched.port, 'one', second);
    await see(second, async () => gone() === 1, '410 Gone at the start');
    const cut = proxy.arrivals;
    proxy.become('honest');
    await see(second, async () => gone() === 2, '410 Gone where a cut watch was resumed');
    await untouched.space.annotate('haproxy-1', {[CONFIG]: templateOf(untouched.port, 'two')});
    await seeServed(untouched.port, 'two', second);
    t.diagnostic(`${cut + proxy.arrivals} requests in all`);
    assert.ok(cut + proxy.arrivals <= FEW_ARRIVALS, `${cut + proxy.arrivals} requests`);
  });
});
