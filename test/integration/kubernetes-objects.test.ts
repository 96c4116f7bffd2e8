import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readFile} from 'node:fs/promises';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {isDeepStrictEqual} from 'node:util';
import type {HistoryEntry} from '../../src/lifecycle/history.ts';
import type {Departure, Timeline} from '../../src/members/timeline.ts';
import {ask} from '../../src/proxy/runtime.ts';
import {APISERVER_SUITE_MS, type ApiServer, startApiServer} from '../kubernetes/apiserver.ts';
import {openNamespace} from '../kubernetes/cluster.ts';
import {
  CONFIG,
  evidenceOf,
  LABELS,
  locationAt,
  PATIENCE_MS,
  SERVICES,
  see,
  seeServed,
  templateOf,
} from '../kubernetes/served.ts';
import {type Daemon, startDaemon} from '../support/daemon.ts';
import {freePort} from '../support/free-port.ts';
import {missing} from '../support/parts.ts';
import {haproxiesOf, killAll} from '../support/processes.ts';
import type {Fields} from '../support/slave.ts';
import {waitFor} from '../support/wait.ts';

describe('objects of a cluster', {
  skip: missing('haproxy', 'apiserver', 'openssl', 'faketime'),
  timeout: APISERVER_SUITE_MS,
  concurrency: 2,
}, () => {
  let api: ApiServer;
  before(async () => {
    api = await startApiServer();
  });
  after(() => api[Symbol.asyncDispose]());

  test('KONTROL_VERIFY=pods -> real pods are taken, others refused with a reason; who is gone leaves at once', async () => {
    const space = await openNamespace(api, {with: ['components/verify/rbac.yaml']});
    const port = await freePort();
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, 'one')},
      ip: '10.9.0.1',
    });
    await space.createPod('web-1', {labels: {app: 'web'}, ip: '10.9.1.1'});
    await space.createPod('web-2', {labels: {app: 'web'}, ip: '10.9.1.2'});
    await space.createPod('web-3', {labels: {app: 'web'}});
    const env = {...space.environment('haproxy-1'), KONTROL_VERIFY: 'pods', KONTROL_TTL: '3600'};
    await using daemon = await startDaemon({template: '', env});
    await daemon.waitFor(status => (status.kubernetes?.verify.pods?.known ?? 0) === 4, 'four pods known', PATIENCE_MS);

    const statusOf = async (id: string, ip: string, fields: Fields = {}) => {
      const outcome = await daemon.ping({ip, id}, fields);
      assert.ok(outcome.is === 'answered');
      return [outcome.answer.status, outcome.answer.status < 400 ? '' : JSON.parse(outcome.answer.body).reason];
    };
    assert.deepEqual(await statusOf('web-1', '10.9.1.1'), [200, '']);
    assert.deepEqual(await statusOf('web-2', '10.9.1.2'), [200, '']);
    const refusals: readonly [string, string, Fields, RegExp][] = [
      ['web-9', '10.9.1.9', {}, /there is no pod web-9 in test-/],
      ['web-1', '10.9.1.2', {}, /pod web-1 has 10\.9\.1\.1, not 10\.9\.1\.2/],
      ['web-1', '10.9.1.1', {app: 'api'}, /pod web-1 has the label app=web, not api/],
      ['web-3', '10.9.1.3', {}, /pod web-3 has no address yet/],
    ];
    for (const [id, ip, fields, wanted] of refusals) {
      const [status, reason] = await statusOf(id, ip, fields);
      assert.equal(status, 403);
      assert.match(String(reason), wanted);
    }
    assert.match(
      (await daemon.get('/metrics'))?.body ?? '',
      /kontrol_pings_total\{result="forbidden-pods",protocol="http"\} 4/,
    );
    await daemon.waitFor(status => status.memberCount === 2 && status.inSync, 'two members in a pass', PATIENCE_MS);

    await space.deletePod('web-1');
    await daemon.waitFor(status => status.memberCount === 1, 'a deleted pod left', PATIENCE_MS);
    await space.setPodStatus('web-2', {phase: 'Failed'});
    await daemon.waitFor(status => status.memberCount === 0, 'a failed pod left', PATIENCE_MS);
    await seeEvicted(daemon, {id: 'web-1', ip: '10.9.1.1'}, /there is no pod web-1 |pod web-1 is being deleted/);
    await seeEvicted(daemon, {id: 'web-2', ip: '10.9.1.2'}, /has ended \(Failed\)/);
    assert.match(String((await statusOf('web-2', '10.9.1.2'))[1]), /has ended \(Failed\)/);
    await space.setPodStatus('web-3', {phase: 'Running', podIP: '10.9.1.3', podIPs: [{ip: '10.9.1.3'}]});
    await waitFor(async () => (await statusOf('web-3', '10.9.1.3'))[0] === 200, 'a pod whose address came');
  });

  test('endpoints of Services -> hosts beside the pods that ping, ready ones alone, followed', async () => {
    const space = await openNamespace(api, {with: ['components/services/rbac.yaml']});
    const port = await freePort();
    await space.setEndpoints('web', [
      {ip: '10.9.2.10', ready: true},
      {ip: '10.9.2.9', ready: true},
      {ip: '10.9.2.8', ready: false},
    ]);
    await space.setEndpoints('other-name', [{ip: '10.9.3.1', ready: true}]);
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, 'one'), [SERVICES]: 'web,api=other-name'},
      ip: '10.9.0.1',
    });
    await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
    const seeHosts = (hosts: Readonly<Record<string, readonly string[]>>) =>
      daemon.waitFor(
        async () => isDeepStrictEqual(JSON.parse((await daemon.getMaster('/state'))?.body ?? '{}').hosts, hosts),
        JSON.stringify(hosts),
        30_000,
      );
    await seeHosts({api: ['10.9.3.1'], web: ['10.9.2.9', '10.9.2.10']});
    await daemon.ping({ip: '10.9.2.20'});
    await daemon.ping({ip: '10.9.2.10'});
    await seeHosts({api: ['10.9.3.1'], web: ['10.9.2.20', '10.9.2.10', '10.9.2.9']});
    await space.setEndpoints('web', [{ip: '10.9.2.8', ready: true}]);
    await space.setEndpoints('other-name', []);
    await seeHosts({web: ['10.9.2.20', '10.9.2.10', '10.9.2.8']});
    await space.annotate('haproxy-1', {[SERVICES]: null});
    await seeHosts({web: ['10.9.2.20', '10.9.2.10']});
  });

  test('services of a template -> endpoints of another namespace too, with pods and ports; one that ends is drained', async () => {
    const [space, shop] = [await openNamespace(api), await openNamespace(api)];
    await shop.letFollow(space.name);
    const port = await freePort();
    const ports = [
      {name: 'metrics', port: 9090, protocol: 'TCP'},
      {name: 'tls', port: 8443, protocol: 'TCP'},
    ];
    const [first, second] = [
      {ip: '10.9.4.1', ready: true, serving: true, pod: 'api-1'},
      {ip: '10.9.4.2', ready: true, serving: true, pod: 'api-2'},
    ];
    await shop.setEndpoints('api', [first, second], ports);
    const backend = `backend api
{%- for one in services.api if one.serving %}
  server {{ one.pod }} {{ one.ip }}:{{ one.ports.tls }} weight {{ 0 if one.terminating else 10 }}
{%- endfor %}
`;
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: `${templateOf(port, 'one')}\n${backend}`, [SERVICES]: `${shop.name}/api`},
      ip: '10.9.0.1',
    });
    await using daemon = await startDaemon({
      template: '',
      env: {...space.environment('haproxy-1'), KONTROL_DAMPER: '0'},
    });
    const seeServers = (...servers: readonly string[]) =>
      see(
        daemon,
        async () => {
          const text = await readFile(join(daemon.dataFolder, 'proxy.cfg'), 'utf8').catch(() => '');
          return isDeepStrictEqual(text.match(/(?<=^ {2}server api).*/gm), servers);
        },
        servers.join(', '),
      );
    await seeServers('-1 10.9.4.1:8443 weight 10', '-2 10.9.4.2:8443 weight 10');
    await shop.setEndpoints('api', [first, {...second, ready: false, terminating: true}], ports);
    await seeServers('-1 10.9.4.1:8443 weight 10', '-2 10.9.4.2:8443 weight 0');
    await shop.setEndpoints('api', [first], ports);
    await seeServers('-1 10.9.4.1:8443 weight 10');
  });

  test('a refused configuration, its recovery, a server set by hand -> Events on the pod, each once, with a count', async () => {
    const space = await openNamespace(api);
    const port = await freePort();
    await space.createPod('haproxy-1', {
      labels: LABELS,
      annotations: {[CONFIG]: templateOf(port, 'one')},
      ip: '10.9.0.1',
    });
    await using daemon = await startDaemon({template: '', env: space.environment('haproxy-1')});
    await seeServed(port, 'one', daemon);
    // HAProxy quotes what it does not expect.
    const secret = '  http-request set-header X-Api-Key my hunter2Xyzzy\n  nonsense here\n';
    await space.annotate('haproxy-1', {[CONFIG]: `${templateOf(port, 'two')}\n${secret}`});
    const refused = await waitFor(
      async () =>
        (await space.eventsOf('haproxy-1')).find(({reason, count}) => reason === 'ConfigurationRefused' && count > 1),
      'a refusal told more than once',
      {timeoutMs: PATIENCE_MS, evidence: evidenceOf(daemon)},
    );
    assert.equal(refused.type, 'Warning');
    assert.match(refused.message, /cannot validate .*line \d+/);
    assert.doesNotMatch(JSON.stringify(await space.eventsOf('haproxy-1')), /hunter2Xyzzy/);
    assert.equal(await locationAt(port), '/one');
    await using occupied = await occupyPort();
    await space.annotate('haproxy-1', {[CONFIG]: templateOf(occupied.port, 'occupied')});
    const told = (wanted: string) => async () =>
      (await space.eventsOf('haproxy-1')).some(({reason}) => reason === wanted);
    await see(daemon, told('ReloadFailed'), 'a failed reload');
    assert.equal(await locationAt(port), '/one');
    await space.annotate('haproxy-1', {[CONFIG]: templateOf(port, 'three')});
    await seeServed(port, 'three', daemon);
    const recovered = async () => (await space.eventsOf('haproxy-1')).some(({reason}) => reason === 'Recovered');
    await see(daemon, recovered, 'a recovery');
    const events = await space.eventsOf('haproxy-1');
    assert.equal(events.filter(({reason}) => reason === 'ConfigurationRefused').length, 1);
    const pod = await api.admin('GET', `${space.path}/pods/haproxy-1`);
    assert.equal(refused.involvedObject.uid, (pod.metadata as {uid: string}).uid);

    const spare = `${templateOf(port, 'four')}\nbackend spare\n  server s1 127.0.0.1:1\n`;
    await space.annotate('haproxy-1', {[CONFIG]: spare});
    await seeServed(port, 'four', daemon);
    const differs = async () => {
      await ask(`${daemon.dataFolder}/haproxy.sock`, 'set server spare/s1 weight 7', {timeoutMs: 5000});
      return told('ProxyDiffers')();
    };
    await differs();
    // It is looked for after each pass.
    await space.annotate('haproxy-1', {[CONFIG]: `${spare}# once more\n`});
    await see(daemon, differs, 'a server that differs');

    const end = async () => {
      killAll(haproxiesOf(daemon.dataFolder));
      return (await daemon.status()) === undefined;
    };
    await see(daemon, end, 'a daemon that gave HAProxy up');
    assert.equal((await daemon.exited).code, 10);
    assert.ok(await told('ProxyFatal')());
  });
});

const readJson = async <T>(daemon: Daemon, path: string): Promise<T> =>
  JSON.parse((await daemon.get(path))?.body ?? 'null') as T;

/** Evicted for a reason that matches: among the departures, in the pod's timeline, in the pass that took it out. */
async function seeEvicted(daemon: Daemon, {id, ip}: {id: string; ip: string}, wanted: RegExp): Promise<void> {
  const passes = await waitFor(
    async () => {
      const history = await readJson<HistoryEntry[]>(daemon, '/history');
      const found = history.filter(({left}) => left.pods.some(pod => pod.id === id));
      return found.length > 0 && found;
    },
    `a pass without ${id}`,
    {timeoutMs: PATIENCE_MS, evidence: evidenceOf(daemon)},
  );
  assert.deepEqual(
    passes.flatMap(({left}) => left.pods.filter(pod => pod.id === id).map(({why}) => why)),
    ['evicted'],
  );
  const departures = (await readJson<Departure[]>(daemon, '/members/gone')).filter(one => one.id === id);
  assert.deepEqual(
    departures.map(one => [one.ip, one.why]),
    [[ip, 'evicted']],
  );
  const {gone, moments} = await readJson<Timeline>(daemon, `/members/${ip}/timeline`);
  assert.equal(gone, true);
  const eviction = moments.find(({what}) => what === 'evicted');
  for (const reason of [departures[0]?.reason, eviction?.reason]) assert.match(reason ?? '', wanted);
  assert.ok(moments.some(({what, pass}) => what === 'removed' && pass === passes[0]?.pass));
}

/** A port that somebody else listens on. */
async function occupyPort(): Promise<AsyncDisposable & {readonly port: number}> {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
