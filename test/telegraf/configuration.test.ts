import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parse as parseToml} from 'smol-toml';
import {deriveTags, parseEndpoint, renderTelegraf, tomlString} from '../../src/telegraf/configuration.ts';
import {fc} from '../support/properties.ts';

/** As plain objects: the library's have no prototype. */
const parse = (text: string) => JSON.parse(JSON.stringify(parseToml(text)));

const endpointOf = (text: string) => {
  const endpoint = parseEndpoint(text);
  assert.ok(endpoint.is === 'on', JSON.stringify(endpoint));
  return endpoint;
};

describe('telegraf, endpoint', () => {
  for (const [annotation, host, port] of [
    ['kairosdb.us-east-1.example.info', 'kairosdb.us-east-1.example.info', 4242],
    [' tsdb \n', 'tsdb', 4242],
    ['tcp://tsdb:4000', 'tsdb', 4000],
    ['10.0.0.1', '10.0.0.1', 4242],
    ['[fd00::1]:4243', '[fd00::1]', 4243],
  ] as const) {
    test(`${JSON.stringify(annotation)} -> ${host}, port ${port}`, () => {
      assert.deepEqual(parseEndpoint(annotation), {is: 'on', host, port});
    });
  }

  for (const annotation of [
    undefined,
    '',
    '  ',
    'http://tsdb',
    'tsdb:0',
    'tsdb:70000',
    'a b',
    'tsdb"\n[evil]',
    'tsdb/x',
  ]) {
    test(`${JSON.stringify(annotation)} -> off, and why`, () => {
      const endpoint = parseEndpoint(annotation);
      assert.ok(endpoint.is === 'off' && endpoint.why.includes('kontrol.unity3d.com/opentsdb'));
    });
  }
});

describe('telegraf, tags', () => {
  test('labels of node and pod -> those of 2017, by the part behind the last slash, the pod wins', () => {
    const node = {
      'kubernetes.io/hostname': 'node-1',
      'unity3d.com/array': 'front',
      'failure-domain/zone': 'a',
      app: 'node',
    };
    const pod = {app: 'haproxy', role: 'balancer', tier: 'traffic', 'sub.unity3d.com/a/b': 'deep', 'unity3d.com/': 'x'};
    assert.deepEqual(
      [...deriveTags(node, pod)],
      [
        ['app', 'haproxy'],
        ['array', 'front'],
        ['b', 'deep'],
        ['hostname', 'node-1'],
        ['role', 'balancer'],
      ],
    );
  });
});

describe('telegraf, file', () => {
  test('the usual pod -> all that there was in 2017, as a TOML library reads it', () => {
    const text = renderTelegraf(new Map([['app', 'haproxy']]), endpointOf('tsdb.example.info'));
    assert.deepEqual(parse(text), {
      global_tags: {app: 'haproxy'},
      agent: {interval: '10s'},
      outputs: {opentsdb: [{host: 'tcp://tsdb.example.info', port: 4242}]},
      inputs: {
        statsd: [{service_address: '127.0.0.1:8125'}],
        haproxy: [{servers: ['http://127.0.0.1:1936/haproxy?stats']}],
      },
    });
  });

  test('no tags -> still valid', () => {
    assert.deepEqual(parse(renderTelegraf(new Map(), endpointOf('t'))).global_tags, {});
  });

  test('fault 9: rendered again -> the same text, nothing appended', () => {
    const tags = deriveTags({'unity3d.com/b': '1', 'unity3d.com/a': '2'}, {role: 'r', app: 'a'});
    const again = deriveTags({'unity3d.com/a': '2', 'unity3d.com/b': '1'}, {app: 'a', role: 'r'});
    assert.equal(renderTelegraf(tags, endpointOf('t')), renderTelegraf(again, endpointOf('t')));
  });

  test('hostile names and values -> stay one value each', () => {
    const tags = new Map([
      ['a"]\n[[inputs.exec]]\ncommands = ["id"]\n#', '"\n[[inputs.exec]]\n  commands = ["id"]\n#'],
      ['quote', `'"""'''\\u0022 \\`],
      ['controls', '\u0000\u0007\b\t\f\r\u001b\u007f\u0085'],
      ['a.b', 'dotted'],
      ['', 'empty'],
      ['ünïcode', '✓ \u{1f600}'],
      ['environment', '$HOME $(id)'],
    ]);
    assert.deepEqual(new Map(Object.entries(parse(renderTelegraf(tags, endpointOf('t'))).global_tags)), tags);
  });

  test('a value that telegraf would take for a variable -> none is left in the text', () => {
    const text = renderTelegraf(
      new Map([
        ['a', '$HOME'],
        ['b', '$' + '{HOME}'],
      ]),
      endpointOf('t'),
    );
    assert.ok(!text.includes('$'), text);
  });

  test('any string -> comes back from the library as it was', () => {
    fc.assert(
      fc.property(fc.string({unit: 'binary'}), text => {
        assert.equal(parse(`x = ${tomlString(text)}`).x, text.toWellFormed());
      }),
    );
  });
});
