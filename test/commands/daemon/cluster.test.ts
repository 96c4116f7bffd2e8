import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createStandIn} from '../../../src/certs/stand-in.ts';
import {type ClusterChange, type ClusterContext, openCluster} from '../../../src/commands/daemon/cluster.ts';
import type {Api, WatchEvent} from '../../../src/kubernetes/api.ts';
import {ApiFault} from '../../../src/kubernetes/api-fault.ts';
import type {PodFacts} from '../../../src/kubernetes/facts.ts';
import type {PassRecord} from '../../../src/lifecycle/passes.ts';
import type {Version} from '../../../src/proxy/version.ts';
import {openLogSink} from '../../members/fixtures.ts';
import {openFolder} from '../../support/folder.ts';
import {waitFor} from '../../support/wait.ts';

const ANNOTATIONS = {'haproxy.unity3d.com/tls': 'web', 'haproxy.unity3d.com/services': 'db'};

const FACTS: PodFacts = {
  ...{uid: 'u', ip: undefined, eip: undefined, nodeName: undefined, image: undefined},
  ...{labels: {}, annotations: ANNOTATIONS, nodeLabels: {}, nodeAnnotations: {}},
};

const RECORD: PassRecord = {
  ...{pass: 1, generation: 1, way: 'start', why: '', cause: 'start', startedAt: 1000},
  ...{phasesMs: {}, verdict: 'ok', error: null},
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function secretOf(): object {
  const [chain = '', key = ''] = createStandIn('web').split(/(?=-----BEGIN [A-Z ]*PRIVATE KEY)/);
  const data = {'tls.crt': base64(chain), 'tls.key': base64(key)};
  return {metadata: {name: 'web', namespace: 'x', resourceVersion: '1'}, type: 'kubernetes.io/tls', data};
}

const SLICE = {
  metadata: {name: 'db-1', namespace: 'x', resourceVersion: '1', labels: {'kubernetes.io/service-name': 'db'}},
  endpoints: [{addresses: ['10.0.0.7'], conditions: {ready: true}, targetRef: {kind: 'Pod', name: 'db-0'}}],
};

/** A cluster with one Secret and one Service; `told` are the reasons of the events that were written. */
function openWorld() {
  const told: string[] = [];
  const watchers = new Map<string, (event: WatchEvent) => void>();
  const api: Api = {
    async request({method, path, body}) {
      if (method === 'POST') told.push((body as {reason: string}).reason);
      if (method !== 'GET') return {};
      if (path.endsWith('discovery.k8s.io')) return {versions: [{version: 'v1'}]};
      return path.endsWith('secrets/web') ? secretOf() : {items: [SLICE], metadata: {resourceVersion: '1'}};
    },
    async watch(path, _query, onEvent, signal) {
      watchers.set(path.includes('secrets') ? 'secrets' : 'slices', onEvent);
      await new Promise(resolve => signal.addEventListener('abort', resolve, {once: true}));
    },
  };
  return {api, told, watchers};
}

async function open(
  dataFolder: string,
  world: Partial<ReturnType<typeof openWorld>>,
  version: Partial<Version> = {},
  annotations: Readonly<Record<string, string>> = ANNOTATIONS,
) {
  const {log, said} = openLogSink();
  const context: ClusterContext = {
    config: {dataFolder, pod: {namespace: 'x', id: 'lb-1', certs: undefined}},
    pod: {facts: {...FACTS, annotations}},
    api: world.api,
    room: () => log,
    output: {secrets: {hide: text => text}},
    ending: {asked: AbortSignal.any([]), skip: AbortSignal.any([])},
  };
  const haproxy = {text: '2.6.12', major: 2, minor: 6, ...version} as Version;
  const cluster = await openCluster(context, {haproxy});
  const changes: ClusterChange[] = [];
  cluster.changes.follow(change => changes.push(change));
  return {cluster, changes, said};
}

describe('what the cluster gives the proxy', () => {
  test('no API -> no hosts, no events, and nothing fails', async () => {
    await using folder = await openFolder();
    const {cluster, changes} = await open(folder.path, {});
    await using _closed = cluster;
    assert.deepEqual([cluster.services, [...cluster.serviceHosts()], changes], [{hosts: {}, watch: null}, [], []]);
    cluster.passed({record: {...RECORD, verdict: 'failed'}, isFallback: false}, undefined);
  });

  test('a Service and a Secret -> hosts when the damper says so, a certificate at once', async () => {
    await using folder = await openFolder();
    const {cluster, changes} = await open(folder.path, openWorld());
    await using _closed = cluster;
    await waitFor(() => changes.length === 2, 'both told');
    assert.deepEqual(
      changes.toSorted((one, other) => Number(one.urgent) - Number(other.urgent)),
      [
        {urgent: false, cause: 'endpoints of services changed'},
        {urgent: true, cause: 'certificate web added'},
      ],
    );
    const {hosts, watch} = cluster.services;
    assert.deepEqual(
      [hosts, [...cluster.serviceHosts()], watch?.synced],
      [{db: ['10.0.0.7']}, [['db', ['10.0.0.7']]], true],
    );
  });

  test('Services of two namespaces, one of which RBAC keeps from us -> those of the other, and what fails in the status', async () => {
    await using folder = await openFolder();
    const world = openWorld();
    const api: Api = {
      ...world.api,
      request: asked =>
        asked.path.includes('/shop/') ? Promise.reject(new ApiFault(403, 'no')) : world.api.request(asked),
    };
    const services = {'haproxy.unity3d.com/services': 'db,cart=shop/cart'};
    const {cluster} = await open(folder.path, {api}, {}, services);
    await using _closed = cluster;
    await waitFor(() => cluster.serviceHosts().size > 0, 'its own');
    assert.deepEqual([...cluster.serviceHosts()], [['db', ['10.0.0.7']]]);
    assert.equal(cluster.serviceEndpoints().get('db')?.[0]?.pod, 'db-0');
    const {watch} = cluster.services;
    assert.deepEqual([watch?.state, watch?.what], ['failing', 'endpoints of shop/cart']);
  });

  test('passes -> an event for each that fails, and for the first that goes well after one; none of a fallback', async () => {
    await using folder = await openFolder();
    const {api, told} = openWorld();
    const {cluster} = await open(folder.path, {api});
    await using _closed = cluster;
    const pass = (verdict: PassRecord['verdict'], isFallback = false) =>
      cluster.passed({record: {...RECORD, verdict, error: 'no'}, isFallback}, 'global');
    for (const verdict of ['ok', 'failed'] as const) pass(verdict, true);
    for (const verdict of ['ok', 'ok', 'failed', 'ok', 'ok'] as const) pass(verdict);
    await waitFor(() => told.length >= 2, 'events');
    assert.deepEqual(told, ['ConfigurationRefused', 'Recovered']);
  });

  for (const [version, isTold] of [
    [{major: 2, minor: 6}, true],
    [{major: 1, minor: 7}, false],
  ] as const) {
    test(`a certificate that serves is rotated -> HAProxy ${version.major}.${version.minor} is ${isTold ? 'told' : 'not told'}`, async () => {
      await using folder = await openFolder();
      const {api, watchers} = openWorld();
      const {cluster, changes, said} = await open(folder.path, {api}, version);
      await using _closed = cluster;
      await waitFor(() => changes.length === 2 && watchers.has('secrets'), 'a certificate');
      const text = `bind :443 ssl crt ${cluster.certificates.paths().web}`;
      assert.equal(await cluster.certificates.refresh(text), true);
      cluster.passed({record: {...RECORD, verdict: 'unchanged'}, isFallback: false}, text);
      assert.equal(await cluster.certificates.refresh(text), true);
      cluster.passed({record: RECORD, isFallback: false}, text);
      assert.equal(await cluster.certificates.refresh(text), false);
      watchers.get('secrets')?.({type: 'MODIFIED', object: secretOf()});
      await waitFor(() => changes.length === 3, 'another certificate');
      // Nobody listens on the socket of this test.
      assert.equal(await cluster.certificates.refresh(text), true);
      assert.equal(said('certificate not rotated at runtime').length, isTold ? 1 : 0);
    });
  }
});
