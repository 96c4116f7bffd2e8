import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, test} from 'node:test';
import {parse, parseAllDocuments} from 'yaml';
import {kubectlBinary, missing} from '../support/parts.ts';
import {type ChartDocument, chartFolder, FULL, helm, NO_API, OTHERS, renderChart, type Values} from './chart.ts';
import {manifestFolder} from './cluster.ts';
import {checkManifest} from './model-schema.ts';

const read = (file: string): string => readFileSync(join(chartFolder, file), 'utf8');

const built = (path: string): ChartDocument[] =>
  parseAllDocuments(execFileSync(kubectlBinary, ['kustomize', join(manifestFolder, path)], {encoding: 'utf8'})).map(
    document => document.toJS() as ChartDocument,
  );

/** Lists in which an entry is known by its name. */
const NAMED = new Set(['env', 'volumes', 'volumeMounts', 'ports']);

const isOfHelm = (label: string): boolean => /^(app\.kubernetes\.io|helm\.sh)\//.test(label);

/** What an object comes down to: without labels for people and tools, no empty map, named entries in one order. */
function substance(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const entries = value.map(one => substance(one));
    return NAMED.has(key) ? entries.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : entries;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, one]) => !isOfHelm(name) && one !== null && JSON.stringify(one) !== '{}')
      .map(([name, one]) => [name, substance(one, name)])
      .sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
  );
}

/** By kind and name; the labels of objects themselves and their namespace are the chart's own affair. */
const substances = (documents: readonly ChartDocument[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    documents
      .map(({metadata: {labels: _, namespace: __, ...metadata}, ...rest}) => [
        `${rest.kind} ${metadata.name}`,
        substance({...rest, metadata}),
      ])
      .sort(),
  );

const templateOf = (path: string): string => {
  const deployment = built(path).find(({kind}) => kind === 'Deployment') as unknown as {
    spec: {template: {metadata: {annotations: Record<string, string>}}};
  };
  return deployment.spec.template.metadata.annotations['haproxy.unity3d.com/config'] ?? '';
};

/** `a`, `a.b`: each value that has a default of its own. */
function namesIn(values: object, path = ''): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    const isOwn = isMap && Object.keys(value).length > 0 && !['podLabels', 'resources'].includes(name);
    return isOwn ? namesIn(value, `${path}${name}.`) : [`${path}${name}`];
  });
}

const SAME: readonly (readonly [string, Values])[] = [
  ['base', {}],
  ['overlays/no-api', NO_API],
  ['overlays/full', FULL],
];

describe('the chart', {skip: missing('helm', 'kustomize')}, () => {
  test('helm lint -> nothing to say against it', () => {
    assert.match(helm(['lint', '--strict', chartFolder]), /1 chart\(s\) linted, 0 chart\(s\) failed/);
  });

  for (const [path, values] of SAME) {
    test(`values of ${path} -> the objects of kustomize`, () => {
      const made = renderChart({...values, template: templateOf(path)});
      assert.deepEqual(substances(made), substances(built(path)));
    });
  }

  for (const [name, values] of Object.entries({FULL, NO_API, OTHERS})) {
    test(`${name} -> every field is one of the current API, the chart's labels on every object`, () => {
      const made = renderChart(values);
      const known = made.filter(({apiVersion}) => !apiVersion.startsWith('monitoring.coreos.com/'));
      assert.deepEqual(known.flatMap(checkManifest), []);
      assert.deepEqual(
        made.filter(({metadata}) => !('app.kubernetes.io/instance' in (metadata.labels ?? {}))),
        [],
      );
    });
  }

  test('all else that there is -> arrives where it belongs', () => {
    const text = JSON.stringify(renderChart(OTHERS));
    for (const sign of [
      '"name":"KONTROL_TEMPLATE","value":"/etc/haproxy-kontrol/template/proxy.j2"',
      '"name":"KONTROL_DAMPER","value":"5"',
      '"name":"KONTROL_ACCESS_LOG","value":"off"',
      '"name":"KONTROL_MODE","value":"master,slave"',
      '"name":"KONTROL_MAX_MEMBERS","value":"1000000"',
      '"app":"on"',
      '"role":"1"',
      '"name":"KONTROL_ETCD_USER_FILE"',
      '"name":"KONTROL_CERTS"',
      '"mountPath":"/etc/haproxy-kontrol/certs/secret-a"',
      '"type":"LoadBalancer"',
      '"topologySpreadConstraints"',
      '"imagePullSecrets"',
      '"tolerations"',
      '"nodeSelector"',
    ]) {
      assert.ok(text.includes(sign), sign);
    }
    assert.doesNotMatch(text, /haproxy\.unity3d\.com\/config|unprivileged_port|"port":8000,"targetPort":8000/);
  });

  test('misspelt, of another type, or contradictory values -> refused with what to do', () => {
    for (const [values, reason] of [
      [{replica: 2}, /replica/],
      [{replicas: 0}, /replicas/],
      [{settings: {DAMPER: 1}}, /DAMPER/],
      [{service: {ports: [{name: 'x', port: 8000}]}}, /port/],
      [{service: {ports: [80, 81].map(port => ({name: 'x', port}))}}, /a name or a port is there twice/],
      [{service: {ports: ['x', 'y'].map(name => ({name, port: 80}))}}, /a name or a port is there twice/],
      [{nameOverride: 'my.proxy'}, /nameOverride/],
      [{tls: {secrets: ['web', 'web']}}, /tls/],
      [{replicas: 2}, /several replicas need etcd\.endpoints/],
      [{autoscaling: {enabled: true}}, /several replicas need etcd\.endpoints/],
      [{autoscaling: {enabled: true, minReplicas: 7}, etcd: {endpoints: 'http://etcd:2379'}}, /minReplicas is above/],
      [{terminationGracePeriodSeconds: 32}, /has to be above 32/],
      [{settings: {KONTROL_GRACE: '100', KONTROL_LINGER: 0}}, /has to be above 102/],
      [{settings: {KONTROL_PORT: 9000}}, /settings\.KONTROL_PORT is set by the chart/],
      [{settings: {KONTROL_ETCD: 'http://etcd:2379'}}, /settings\.KONTROL_ETCD is set by the chart/],
      [{podLabels: {app: 'other'}}, /podLabels\.app is set by the chart: use nameOverride/],
      [
        {podAnnotations: {'haproxy.unity3d.com/config': 'x'}},
        /podAnnotations: haproxy.unity3d.com\/config is set by the chart/,
      ],
      [{podDisruptionBudget: {maxUnavailable: 'one'}}, /maxUnavailable/],
      [{api: false, node: true}, /need the Kubernetes API/],
      [{serviceAccount: {create: false}}, /name one in serviceAccount\.name/],
    ] as const) {
      assert.throws(() => renderChart(values), reason);
    }
  });
});

describe("the chart's values", () => {
  const values = parse(read('values.yaml'));

  test('each -> described in the README, and the README names no other', () => {
    const rows = read('README.md').match(/^\| `.*$/gm) ?? [];
    const described = rows.flatMap(row =>
      [...(row.split(' | ')[0] ?? '').matchAll(/`([\w.]+)`/g)].map(([, name]) => name),
    );
    assert.deepEqual(described.sort(), namesIn(values).sort());
  });

  test('each -> in the schema', () => {
    const {properties} = JSON.parse(read('values.schema.json'));
    assert.deepEqual(Object.keys(properties).sort(), ['global', ...Object.keys(values)].sort());
  });

  test("the template of the values -> that of `base`; versions -> the package's", () => {
    assert.equal(
      values.template,
      parseAllDocuments(readFileSync(join(manifestFolder, 'base/deployment.yaml'), 'utf8'))[0]?.toJS().spec.template
        .metadata.annotations['haproxy.unity3d.com/config'],
    );
    const {version} = JSON.parse(readFileSync(join(chartFolder, '../../package.json'), 'utf8'));
    assert.deepEqual([parse(read('Chart.yaml')).version, parse(read('Chart.yaml')).appVersion], [version, version]);
  });
});
