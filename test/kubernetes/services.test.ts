import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseEndpointSlice, type SliceEndpoint} from '../../src/kubernetes/objects.ts';
import {deriveServiceHosts, deriveServices, parseServices, type ServiceSlice} from '../../src/kubernetes/services.ts';
import {mergeHosts} from '../../src/members/hosts.ts';

/** A slice of one Service, its endpoints alike. */
const sliceOf = (
  service: string,
  ips: readonly string[],
  {
    namespace = 'default',
    ports = [{name: 'http', port: 80}],
    ready = true,
    ...more
  }: Partial<SliceEndpoint & ServiceSlice> = {},
): ServiceSlice => ({
  namespace,
  service,
  ports,
  endpoints: ips.map(ip => ({ip, zone: '', node: '', pod: '', ready, serving: ready, terminating: false, ...more})),
});

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
      sliceOf('web', ['10.0.0.10', '10.0.0.9']),
      sliceOf('web', ['10.0.0.9', 'fd00::1', 'some.host']),
      sliceOf('six', ['fd00::2']),
      sliceOf('empty', []),
      sliceOf('other', ['10.0.0.1']),
      sliceOf('web', ['10.0.0.7'], {namespace: 'shop'}),
    ];
    const {mappings} = parseServices('web,v6=six,empty,absent,cart=shop/web');
    assert.deepEqual(
      [...deriveServiceHosts(mappings, slices, 'default')],
      [
        ['web', ['10.0.0.9', '10.0.0.10']],
        ['v6', ['fd00::2']],
        ['cart', ['10.0.0.7']],
      ],
    );
  });

  test('Services of other namespaces -> by app, or with the name that they have there', () => {
    assert.deepEqual(parseServices('shop/web, db = shop/postgres'), {
      mappings: [
        {app: 'web', service: 'web', namespace: 'shop'},
        {app: 'db', service: 'postgres', namespace: 'shop'},
      ],
      refused: [],
    });
    const bad = ['a/b/c', '/web', 'shop/', 'a=b/c/d', '../web', 'x=../web', 'x=shop/W'];
    assert.deepEqual(parseServices(bad.join(',')).refused, bad);
  });

  test('endpoints with ports of several names, in two slices while they move -> each once, ready or not, all that is said', () => {
    const ports = [
      {name: 'http', port: 8080},
      {name: 'metrics', port: 9090},
    ];
    const slices = [
      sliceOf('web', ['10.0.0.2'], {ports, ready: false, terminating: true}),
      sliceOf('web', ['10.0.0.1'], {ports, zone: 'a', node: 'n', pod: 'web-1'}),
      sliceOf('web', ['10.0.0.1'], {ports, ready: false}),
      sliceOf('web', ['10.0.0.1'], {ports: [{name: 'http', port: 8081}]}),
    ];
    const {mappings} = parseServices('web');
    const found = deriveServices(mappings, slices, 'default').get('web') ?? [];
    assert.deepEqual(
      found.map(({ip, port, ready, terminating}) => [ip, port, ready, terminating]),
      [
        ['10.0.0.1', 8080, true, false],
        ['10.0.0.1', 8081, true, false],
        ['10.0.0.2', 8080, false, true],
      ],
    );
    assert.deepEqual(found[0], {
      ...{ip: '10.0.0.1', zone: 'a', node: 'n', pod: 'web-1', ready: true, serving: true, terminating: false},
      ...{port: 8080, port_name: 'http', ports: {http: 8080, metrics: 9090}},
    });
    assert.equal(
      deriveServices(mappings, [sliceOf('web', ['10.0.0.1'], {ports: []})], 'default').get('web')?.[0]?.port,
      null,
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
    const ready = slice?.endpoints.flatMap(one => (one.ready ? one.ip : []));
    assert.deepEqual([slice?.service, ready], ['web', ['10.0.0.1', '10.0.0.2', '10.0.0.3']]);
    assert.deepEqual(parseEndpointSlice({metadata: {name: 'x'}, endpoints: null})?.endpoints, []);
  });

  test('an EndpointSlice of v1 and one of v1beta1 -> zone, node, pod, what it serves, its TCP ports', () => {
    const conditions = {ready: false, serving: true, terminating: true};
    const targetRef = {kind: 'Pod', name: 'web-1'};
    const seen = {ip: '10.0.0.1', zone: 'a', node: 'n', pod: 'web-1', ready: false, serving: true, terminating: true};
    const topology = {'topology.kubernetes.io/zone': 'a', 'kubernetes.io/hostname': 'n'};
    for (const place of [{zone: 'a', nodeName: 'n'}, {topology}]) {
      const slice = parseEndpointSlice({
        metadata: {name: 'web-x'},
        ports: [{name: 'http', port: 8080, protocol: 'TCP'}, {port: 53, protocol: 'UDP'}, {name: 'all'}, {port: 81}],
        endpoints: [{addresses: ['10.0.0.1'], conditions, targetRef, ...place}],
      });
      assert.deepEqual(slice?.endpoints, [seen]);
      assert.deepEqual(slice?.ports, [
        {name: 'http', port: 8080},
        {name: '', port: 81},
      ]);
    }
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
