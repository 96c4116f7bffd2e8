import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {lackingFacts} from '../../src/config/lacking.ts';
import {type Host, parsePodSettings} from '../../src/config/pod.ts';
import {createReader} from '../../src/config/reader.ts';

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const IN_CLUSTER = {KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443'};

function parse(env: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) {
  const host: Host = {hostname: 'box', resolvePath: path => path, readText: path => files[path]};
  const reader = createReader(env);
  return {...parsePodSettings(reader, host), faults: reader.faults};
}

describe('pod settings', () => {
  test('nothing set, no cluster -> the host, no volume, no API', () => {
    const {namespace, id, downward, api, waitMs, faults} = parse({});
    assert.deepEqual(
      {namespace, id, downward, api, waitMs, faults},
      {namespace: 'default', id: 'box', downward: undefined, api: undefined, waitMs: 60_000, faults: []},
    );
  });

  test('a token and the service variables -> the API over TLS, IPv6 in brackets, the namespace from the volume', () => {
    const files = {[TOKEN]: 'x', [TOKEN.replace('token', 'namespace')]: 'prod\n'};
    assert.equal(parse(IN_CLUSTER, files).api?.server, 'https://10.96.0.1:443');
    assert.equal(
      parse({...IN_CLUSTER, KUBERNETES_SERVICE_HOST: 'fd00::1'}, files).api?.server,
      'https://[fd00::1]:443',
    );
    assert.equal(parse(IN_CLUSTER, files).namespace, 'prod');
    assert.equal(parse({...IN_CLUSTER, NAMESPACE: 'other'}, files).namespace, 'other');
  });

  test('no token, or switched off -> no API; demanded -> a fault that says what lacks', () => {
    assert.equal(parse(IN_CLUSTER).api, undefined);
    assert.equal(parse({...IN_CLUSTER, KONTROL_API: 'off'}, {[TOKEN]: 'x'}).api, undefined);
    assert.match(parse({...IN_CLUSTER, KONTROL_API: 'on'}).faults.join(), /there is no .*token: mount/);
    assert.match(parse({KONTROL_API: 'on'}, {[TOKEN]: 'x'}).faults.join(), /KUBERNETES_SERVICE_HOST is not set/);
    assert.match(parse({KONTROL_API: 'maybe'}).faults.join(), /none of auto, on, off/);
  });

  test('the usual volume -> taken when it is there; a named one that is none -> a fault', () => {
    assert.equal(parse({}, {'/etc/podinfo/annotations': ''}).downward, '/etc/podinfo');
    assert.equal(parse({KONTROL_DOWNWARD: '/x'}, {'/x/labels': ''}).downward, '/x');
    assert.match(parse({KONTROL_DOWNWARD: '/x'}).faults.join(), /neither a file "annotations" nor a file "labels"/);
  });
});

test('lackingFacts, what each mode cannot do without -> named, nothing else', () => {
  const facts = {labels: {}, annotations: {}, ip: undefined};
  const both = {mode: {master: true, slave: true}, env: {}};
  assert.deepEqual(lackingFacts(facts, both), [
    'its label "app"',
    'its label "role"',
    'its annotation haproxy.unity3d.com/config',
  ]);
  const labels = {app: 'haproxy', role: 'balancer'};
  const slaveOnly = {mode: {master: false, slave: true}, env: {}};
  assert.deepEqual(lackingFacts({...facts, labels}, slaveOnly), []);
  const annotations = {'kontrol.unity3d.com/master': 'x'};
  assert.deepEqual(lackingFacts({labels, annotations, ip: undefined}, slaveOnly), ['its IP']);
  const masterOnly = {mode: {master: true, slave: false}, env: {KONTROL_TEMPLATE: '/x'}};
  assert.deepEqual(lackingFacts({labels, annotations, ip: undefined}, masterOnly), []);
  const ofBlocks = {...masterOnly, env: {KONTROL_LIFECYCLE: '/lifecycle.yml'}};
  assert.deepEqual(lackingFacts({labels, annotations, ip: undefined}, ofBlocks), []);
});
