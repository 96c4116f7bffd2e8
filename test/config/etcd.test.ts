import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {parseEtcd} from '../../src/config/etcd.ts';
import {createReader} from '../../src/config/reader.ts';

const parse = (env: Record<string, string>) => {
  const reader = createReader(env);
  return {settings: parseEtcd(reader, path => `/srv/${path}`), faults: reader.faults};
};

describe('KONTROL_ETCD', () => {
  test('absent -> the embedded store', () => {
    assert.deepEqual(parse({}), {settings: undefined, faults: []});
  });

  for (const [given, endpoints] of [
    ['http://a:2379', ['http://a:2379']],
    ['https://a:2379,b:2380', ['https://a:2379', 'https://b:2380']],
    ['etcd-0.etcd, 10.0.0.2:4001', ['http://etcd-0.etcd:2379', 'http://10.0.0.2:4001']],
    ['https://[fd00::1]:2379/,[fd00::2]', ['https://[fd00::1]:2379', 'https://[fd00::2]:2379']],
  ] as const) {
    test(`${given} -> ${endpoints.join(' and ')}`, () => {
      const {settings, faults} = parse({KONTROL_ETCD: given});
      assert.deepEqual([settings?.endpoints, faults], [endpoints, []]);
    });
  }

  for (const given of [
    'http://',
    'a:b',
    'ftp://a',
    'http://a:2379,,b',
    'http://a:70000',
    'http://a/path',
    '[1.2.3.4]',
  ]) {
    test(`${given} -> refused, saying what it should be`, () => {
      const {faults} = parse({KONTROL_ETCD: given});
      assert.match(faults.join(), /KONTROL_ETCD ".*" is not http\(s\):\/\/host:port/);
    });
  }

  test('files -> resolved; a key without its certificate, certificates without https, files without etcd -> refused', () => {
    const {settings, faults} = parse({
      KONTROL_ETCD: 'https://a',
      KONTROL_ETCD_CA_FILE: 'ca',
      KONTROL_ETCD_USER_FILE: 'user',
    });
    assert.deepEqual([settings?.caFile, settings?.userFile, faults], ['/srv/ca', '/srv/user', []]);
    assert.match(parse({KONTROL_ETCD: 'https://a', KONTROL_ETCD_KEY_FILE: 'k'}).faults.join(), /belong together/);
    assert.match(parse({KONTROL_ETCD: 'http://a', KONTROL_ETCD_CA_FILE: 'ca'}).faults.join(), /https/);
    assert.match(parse({KONTROL_ETCD_CA_FILE: 'ca'}).faults.join(), /KONTROL_ETCD is not set/);
  });

  for (const given of ['http://bob:hunter2@a:2379', 'b,bob:hun,ter2@a', 'https://hunter2@a']) {
    test(`${given} -> refused, the password in nothing that is said`, () => {
      const {faults} = parse({KONTROL_ETCD: given});
      assert.deepEqual(faults, [
        'KONTROL_ETCD has a user or a password: name a file with them in KONTROL_ETCD_USER_FILE',
      ]);
    });
  }
});
