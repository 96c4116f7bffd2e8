import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {parse} from 'yaml';
import {parseConfig} from '../../src/config/parse.ts';

const root = new URL('../../', import.meta.url);
const path = (name: string) => fileURLToPath(new URL(name, root));

interface Service {
  readonly image: string;
  readonly build?: {readonly context: string; readonly dockerfile: string};
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly configs?: readonly {readonly source: string; readonly target: string}[];
  readonly profiles?: readonly string[];
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, {readonly content: string}>>;
}

const {services, configs}: Compose = parse(readFileSync(path('docker/compose.yaml'), 'utf8'), {merge: true});

// What the demo's parts do is seen in demo.test.ts, where its proxy and one of its pods are run.
describe('docker/compose.yaml', () => {
  test('its services -> the proxy, three pods, an etcd variant and Prometheus', () => {
    const plain = Object.keys(services).filter(name => services[name]?.profiles === undefined);
    assert.deepEqual(plain, ['proxy', 'web-1', 'web-2', 'web-3']);
    const optional = Object.entries(services).flatMap(([name, {profiles}]) => (profiles ? [[name, profiles[0]]] : []));
    assert.deepEqual(optional, [
      ['etcd', 'etcd'],
      ['replica', 'etcd'],
      ['prometheus', 'prometheus'],
    ]);
  });

  test('what services refer to -> is there', () => {
    for (const [name, service] of Object.entries(services)) {
      if (service.build)
        assert.ok(existsSync(path(`docker/${service.build.context}/${service.build.dockerfile}`)), name);
      for (const {source} of service.configs ?? []) assert.ok(configs[source], `${name}: ${source}`);
    }
  });

  for (const etcd of ['', 'http://etcd:2379']) {
    test(`the proxy's settings, KONTROL_ETCD="${etcd}" -> taken without a fault or a warning`, () => {
      const given = Object.entries(services.proxy?.environment ?? {});
      const env = Object.fromEntries(
        given.map(([name, value]) => [name, String(value).replace(/^\$\{KONTROL_ETCD:-\}$/, etcd)]),
      );
      assert.ok('KONTROL_ETCD' in env);
      const {warnings} = parseConfig(env, {hostname: 'proxy', resolvePath: name => name, readText: () => undefined});
      assert.deepEqual(warnings, []);
    });
  }

  test('a dollar sign in a configuration -> none: compose would take it for a variable', () => {
    for (const {content} of Object.values(configs)) assert.ok(!content.includes('$'));
  });
});
