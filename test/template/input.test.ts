import assert from 'node:assert/strict';
import {test} from 'node:test';
import {digestBlockInput, digestInput, type TemplateVariables} from '../../src/template/input.ts';

const VARIABLES: TemplateVariables = {
  hosts: new Map([['web', ['10.2.0.17', '10.2.0.18']]]),
  pods: [{app: 'web', id: 'web-1', ip: '10.2.0.17', key: 'aFw1', role: 'frontend', seq: 1, payload: {weight: 1}}],
  node: {labels: {zone: 'a'}, annotations: {}},
  labels: {app: 'haproxy'},
  annotations: {},
  env: {KONTROL_TTL: '25'},
  certs: {},
  services: new Map(),
};
const digest = (change: Partial<TemplateVariables> = {}, template = 'bind :80') =>
  digestInput({template, variables: {...VARIABLES, ...change}});

test('digest, the same input built anew -> the same', () => {
  assert.equal(digest(), digest(structuredClone(VARIABLES)));
});

for (const [what, change] of Object.entries({
  'an address more': {hosts: new Map([['web', ['10.2.0.17', '10.2.0.18', '10.2.0.19']]])},
  'addresses in another order': {hosts: new Map([['web', ['10.2.0.18', '10.2.0.17']]])},
  'apps in another order': {
    hosts: new Map([
      ['api', ['10.2.0.1']],
      ['web', ['10.2.0.17', '10.2.0.18']],
    ]),
  },
  'a payload': {pods: VARIABLES.pods.map(pod => ({...pod, payload: {weight: 2}}))},
  'a label of the node': {node: {labels: {zone: 'b'}, annotations: {}}},
  'a label': {labels: {app: 'haproxy', tier: 'traffic'}},
  'an annotation': {annotations: {note: 'x'}},
  'a variable': {env: {KONTROL_TTL: '26'}},
  'a certificate': {certs: {'a.pem': 'x'}},
} satisfies Record<string, Partial<TemplateVariables>>)) {
  test(`digest, ${what} -> another`, () => assert.notEqual(digest(change), digest()));
}

test('digest, another template -> another', () => assert.notEqual(digest({}, 'bind :81'), digest()));

test('digest for a block of 2017 -> changes with hosts and annotations alone', () => {
  const blocks = (change: Partial<TemplateVariables> = {}, template = 'x') =>
    digestBlockInput({template, variables: {...VARIABLES, ...change}});
  for (const change of [{pods: []}, {labels: {}}, {env: {}}, {certs: {'a.pem': 'x'}}])
    assert.equal(blocks(change), blocks());
  assert.equal(blocks({}, 'another'), blocks());
  assert.notEqual(blocks({hosts: new Map()}), blocks());
  assert.notEqual(blocks({annotations: {note: 'x'}}), blocks());
});
