import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {describe, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {parseAllDocuments} from 'yaml';
import {parseManifest} from '../../src/lifecycle/manifest.ts';
import {kubectlBinary, missing} from '../support/parts.ts';

type Labels = Readonly<Record<string, string>>;

interface Deployment {
  readonly kind: 'Deployment';
  readonly spec: {
    readonly selector?: {readonly matchLabels: Labels};
    readonly template: {
      readonly metadata: {readonly labels: Labels};
      readonly spec: {
        readonly affinity?: unknown;
        readonly containers: readonly {readonly env?: readonly {readonly name: string; readonly value?: string}[]}[];
      };
    };
  };
}

interface Service {
  readonly kind: 'Service';
  readonly metadata: {readonly name: string};
  readonly spec: {readonly selector: Labels};
}

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${REPOSITORY}${path}`, 'utf8');
const objectsIn = (text: string) => parseAllDocuments(text).map(document => document.toJS() as Deployment | Service);

const deploymentIn = (objects: readonly (Deployment | Service)[]): Deployment =>
  objects.find(object => object.kind === 'Deployment') ?? assert.fail('no Deployment');
const servicesIn = (objects: readonly (Deployment | Service)[]): Service[] =>
  objects.filter(object => object.kind === 'Service');

const matches = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describe('what docs/migration.md says', () => {
  test('new pods beside those of 2017 -> the same app to the daemon; no label in common, so that no selector and no anti-affinity concerns both', {
    skip: missing('kustomize'),
  }, () => {
    const folder = `${REPOSITORY}docker/kubernetes/overlays/beside-2017`;
    const added = objectsIn(execFileSync(kubectlBinary, ['kustomize', folder], {encoding: 'utf8', timeout: 30_000}));
    const old = deploymentIn(objectsIn(read('test/fixtures/deployment-2017.yaml'))).spec.template;
    const {selector, template} = deploymentIn(added).spec;
    const {labels} = template.metadata;
    const [container] = template.spec.containers;
    const given = container?.env?.find(({name}) => name === 'KONTROL_LABELS')?.value ?? '';
    assert.deepEqual(JSON.parse(given), old.metadata.labels);
    for (const [theirs, others] of [
      [selector?.matchLabels ?? {}, old.metadata.labels],
      ...servicesIn(added).map(({spec}) => [spec.selector, old.metadata.labels] as const),
      // Whichever of them the old Service selects by.
      ...Object.entries(old.metadata.labels).map(([name, value]) => [{[name]: value}, labels] as const),
    ] as const) {
      assert.ok(!matches(theirs, others), JSON.stringify([theirs, others]));
    }
    assert.deepEqual(
      servicesIn(added)
        .map(({metadata}) => metadata.name)
        .sort(),
      ['haproxy-kontrol-new', 'haproxy-new'],
    );
    // Required of the old pods: no other with their app on the node.
    assert.match(
      JSON.stringify(old.spec.affinity),
      /"requiredDuring\w+":.*"key":"app","operator":"In","values":\["haproxy"\]/,
    );
    assert.notEqual(labels.app, 'haproxy');
  });

  test('an old pod with a TTL of its own -> the guide and its overlay say where it goes, and what the new pods have without', () => {
    const [, ttlS = ''] = /^\| `KONTROL_TTL` \| (\d+) \|/m.exec(read('docs/settings.md')) ?? [];
    assert.match(read('docs/migration.md'), new RegExp(`A \`KONTROL_TTL\` above all: .*\\(${ttlS} s\\)`));
    assert.match(read('docker/kubernetes/overlays/beside-2017/pod.yaml'), /# - \{ name: KONTROL_TTL, value: '60' \}/);
  });

  test('route53, and what blocks of 2017 call -> no such state as it comes; the packages of docs/images.md are those that are tested', () => {
    const {states} = parseManifest(read('lifecycle.yml'), 'lifecycle.yml');
    assert.deepEqual([...states.keys()], ['setup', 'configure', 'stop']);
    const packagesIn = (path: string) => [...read(path).matchAll(/PACKAGES='(.*?)'/g)].map(([, packages]) => packages);
    assert.deepEqual(packagesIn('docs/images.md'), packagesIn('docker/test/build.sh'));
  });
});
