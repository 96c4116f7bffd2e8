import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseEndpointSlice} from '../../src/kubernetes/objects.ts';
import {deriveServiceHosts, parseServices} from '../../src/kubernetes/services.ts';
import {mergeHosts} from '../../src/members/hosts.ts';

describe('services', () => {
  test('an annotation -> apps and their Services; what is neither is refused', () => {
    assert.deepEqual(parseServices(' web, api=other-name ,,'), {
      mappings: [
        {app: 'web', service: 'web'},
        {app: 'api', service: 'other-name'},
      ],
      refused: [],
    });
    assert.deepEqual(parseServices('a=b=c,web,web=x,../x,a=B,=x,x=').refused, [
      'a=b=c',
      'web=x',
      '../x',
      'a=B',
      '=x',
      'x=',
    ]);
    assert.deepEqual(parseServices(undefined).mappings, []);
  });

  test('slices of several Services and families -> ready ones in the order of addresses, IPv4 before IPv6', () => {
    const slices = [
      {service: 'web', ready: ['10.0.0.10', '10.0.0.9']},
      {service: 'web', ready: ['10.0.0.9', 'fd00::1', 'some.host']},
      {service: 'six', ready: ['fd00::2']},
      {service: 'empty', ready: []},
      {service: 'other', ready: ['10.0.0.1']},
    ];
    const {mappings} = parseServices('web,v6=six,empty,absent');
    assert.deepEqual(
      [...deriveServiceHosts(mappings, slices)],
      [
        ['web', ['10.0.0.9', '10.0.0.10']],
        ['v6', ['fd00::2']],
      ],
    );
  });

  test('an EndpointSlice -> its Service and its ready addresses; a condition that is not said is ready', () => {
    const slice = parseEndpointSlice({
      metadata: {name: 'web-x', labels: {'kubernetes.io/service-name': 'web'}},
      addressType: 'IPv4',
      endpoints: [
        {addresses: ['10.0.0.1', '10.0.0.99'], conditions: {ready: true}},
        {addresses: ['10.0.0.2'], conditions: {}},
        {addresses: ['10.0.0.3']},
        {addresses: ['10.0.0.4'], conditions: {ready: false}},
        {addresses: []},
        null,
      ],
    });
    assert.deepEqual([slice?.service, slice?.ready], ['web', ['10.0.0.1', '10.0.0.2', '10.0.0.3']]);
    assert.deepEqual(parseEndpointSlice({metadata: {name: 'x'}, endpoints: null})?.ready, []);
    assert.equal(parseEndpointSlice({metadata: {}}), undefined);
  });

  test('hosts and Services -> one map, pinging pods first, apps sorted; nothing to add -> the same map', () => {
    const hosts = new Map([['web', ['10.0.0.5', '10.0.0.1']]]);
    const more = new Map([
      ['web', ['10.0.0.1', '10.0.0.2']],
      ['api', ['10.0.0.3']],
    ]);
    assert.deepEqual(
      [...mergeHosts(hosts, more)],
      [
        ['api', ['10.0.0.3']],
        ['web', ['10.0.0.5', '10.0.0.1', '10.0.0.2']],
      ],
    );
    assert.equal(mergeHosts(hosts, new Map()), hosts);
  });
});
