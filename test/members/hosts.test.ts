import assert from 'node:assert/strict';
import {test} from 'node:test';
import {deriveHosts, digestHosts, encodeHosts} from '../../src/members/hosts.ts';

const POD_LIST = [
  {app: 'web', ip: '10.0.0.2'},
  {app: 'haproxy', ip: '10.0.0.9'},
  {app: 'Web', ip: '10.0.0.3'},
  {app: 'web', ip: '10.0.0.1'},
  {app: '9', ip: '10.0.0.4'},
];

test('hosts, several apps -> sorted by code unit, addresses in order, own app absent', () => {
  const hosts = deriveHosts(POD_LIST, 'haproxy');
  assert.deepEqual(
    [...hosts],
    [
      ['9', ['10.0.0.4']],
      ['Web', ['10.0.0.3']],
      ['web', ['10.0.0.2', '10.0.0.1']],
    ],
  );
  assert.equal(encodeHosts(hosts), '{"9":["10.0.0.4"],"Web":["10.0.0.3"],"web":["10.0.0.2","10.0.0.1"]}');
});

test('digest, no hosts -> MD5 of {}', () => assert.equal(digestHosts(new Map()), '99914b932bd37a50b983c5e7c90ae93b'));

test('digest, apps in another order -> the same; addresses in another order -> another', () => {
  const digest = digestHosts(
    new Map([
      ['a', ['1', '2']],
      ['b', ['3']],
    ]),
  );
  assert.equal(
    digestHosts(
      new Map([
        ['b', ['3']],
        ['a', ['1', '2']],
      ]),
    ),
    digest,
  );
  assert.notEqual(
    digestHosts(
      new Map([
        ['a', ['2', '1']],
        ['b', ['3']],
      ]),
    ),
    digest,
  );
});
