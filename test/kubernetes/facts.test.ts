import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {deriveFacts, deriveVariables, parseVariables} from '../../src/kubernetes/facts.ts';

describe('deriveFacts', () => {
  const api = {ip: '10.0.0.1', labels: {app: 'api'}, annotations: {a: 'api'}, eip: '192.0.2.1'};

  test('all sources know a fact -> the variable, then the volume, then the API, then what is remembered', () => {
    const remembered = {...api, nodeName: 'node-1'};
    const {facts, sources} = deriveFacts({
      variable: {ip: '10.0.0.9'},
      downward: {labels: {app: 'volume'}},
      api,
      remembered,
    });
    assert.deepEqual([facts.ip, facts.labels, facts.annotations], ['10.0.0.9', {app: 'volume'}, {a: 'api'}]);
    assert.deepEqual(sources, {
      ip: 'variable',
      labels: 'downward',
      annotations: 'api',
      eip: 'api',
      nodeName: 'remembered',
    });
  });

  test('nobody knows anything -> empty maps, absent texts, no source', () => {
    const {facts, sources} = deriveFacts({});
    assert.deepEqual([facts.labels, facts.ip, sources], [{}, undefined, {}]);
  });
});

describe('variables of the pod', () => {
  test('facts -> the variables of the contract, but where one is set', () => {
    const {facts} = deriveFacts({api: {ip: '10.0.0.1', labels: {app: 'x'}}});
    const variables = deriveVariables(facts, {KONTROL_IP: '10.9.9.9'});
    assert.equal(variables.KONTROL_LABELS, '{"app":"x"}');
    assert.equal('KONTROL_IP' in variables, false);
    assert.equal('KONTROL_EIP' in variables, false);
  });

  test('set variables -> facts; what is no JSON is refused elsewhere, and tells an empty map', () => {
    assert.deepEqual(parseVariables({KONTROL_LABELS: '{"app":"x"}', KONTROL_NODE_LABELS: '{', KONTROL_IP: ' '}), {
      labels: {app: 'x'},
      nodeLabels: {},
    });
  });
});
