import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, relative} from 'node:path';
import {describe, test} from 'node:test';
import {parse, parseAllDocuments} from 'yaml';
import {kubectlBinary, missing} from '../support/parts.ts';
import {APISERVER_SUITE_MS, startApiServer} from './apiserver.ts';
import {FULL, NO_API, OTHERS, renderChart} from './chart.ts';
import {manifestFolder} from './cluster.ts';
import {checkManifest} from './model-schema.ts';
import {deriveMonitoring} from './write-monitoring.ts';

type Document = Readonly<Record<string, unknown>> & {readonly kind: string; readonly apiVersion: string};

type Container = Readonly<Record<'securityContext', object | undefined>>;

interface PodSpec {
  readonly securityContext: object;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

interface WithTemplate {
  readonly spec: {readonly template: {readonly metadata: object; readonly spec: PodSpec}};
}

/** What a pod asks for by itself: this server adds what its policy wants, which a namespace of today does not. */
const securityOf = ({securityContext, containers, initContainers = []}: PodSpec) => [
  securityContext,
  ...[...containers, ...initContainers].map(one => one.securityContext),
];

interface Mounting {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly env: readonly {readonly name: string; readonly value: string}[];
          readonly volumeMounts: readonly {readonly name: string; readonly mountPath: string}[];
        }[];
        readonly volumes: readonly {readonly name: string; readonly secret: {readonly defaultMode: number}}[];
      };
    };
  };
}

const documentsIn = (text: string): Document[] => parseAllDocuments(text).map(document => document.toJS() as Document);
const read = (path: string): string => readFileSync(join(manifestFolder, path), 'utf8');

/** Kinds of the Prometheus operator: no API server and no client knows them by itself. */
const isOfOperator = ({apiVersion}: Document): boolean => apiVersion.startsWith('monitoring.coreos.com/');

const files = globSync('**/*.yaml', {cwd: manifestFolder}).sort();
const kustomizations = files.filter(file => file.endsWith('kustomization.yaml'));
const manifests = files.filter(file => !kustomizations.includes(file));

const build = (path: string): Document[] =>
  documentsIn(
    execFileSync(kubectlBinary, ['kustomize', join(manifestFolder, path)], {encoding: 'utf8', timeout: 30_000}),
  );

const BUILT = ['base', 'overlays/beside-2017', 'overlays/full', 'overlays/no-api'];

const PATHS: Readonly<Record<string, string>> = {
  ConfigMap: '/api/v1/namespaces/default/configmaps',
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
  HorizontalPodAutoscaler: '/apis/autoscaling/v2beta2/namespaces/default/horizontalpodautoscalers',
  NetworkPolicy: '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies',
  PodDisruptionBudget: '/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings',
  Service: '/api/v1/namespaces/default/services',
  ServiceAccount: '/api/v1/namespaces/default/serviceaccounts',
};

/** What the server of the suite has not as v1 yet; the fields are the same. */
const OF_THE_SERVER: Readonly<Record<string, string>> = {
  PodDisruptionBudget: 'policy/v1beta1',
  HorizontalPodAutoscaler: 'autoscaling/v2beta2',
};

/**
 * The pod security standard `restricted` in the form in which this server enforces it, as Kubernetes' own documentation
 * gave it; the sysctl is one of those that the standard has allowed since 1.22.
 */
const RESTRICTED = {
  metadata: {
    name: 'restricted',
    annotations: {'seccomp.security.alpha.kubernetes.io/allowedProfileNames': 'runtime/default'},
  },
  spec: {
    privileged: false,
    allowPrivilegeEscalation: false,
    requiredDropCapabilities: ['ALL'],
    volumes: ['configMap', 'emptyDir', 'projected', 'secret', 'downwardAPI', 'persistentVolumeClaim'],
    runAsUser: {rule: 'MustRunAsNonRoot'},
    seLinux: {rule: 'RunAsAny'},
    supplementalGroups: {rule: 'RunAsAny'},
    fsGroup: {rule: 'RunAsAny'},
    allowedUnsafeSysctls: ['net.ipv4.ip_unprivileged_port_start'],
  },
};

describe('manifests', () => {
  for (const file of manifests) {
    test(`${file} -> every field is one of the current API`, () => {
      const known = documentsIn(read(file)).filter(document => !isOfOperator(document));
      const faults = known.flatMap(({$patch: _, ...document}) => checkManifest(document));
      assert.deepEqual(faults, []);
    });
  }

  test('a field that is misspelt or of another type -> found', () => {
    const faults = checkManifest({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: {replicas: '2', template: {spec: {containers: [{name: 'x', readinessprobe: {}}]}}},
    });
    assert.deepEqual(faults, [
      'Deployment.spec.replicas is no number',
      'Deployment.spec.template.spec.containers[0].readinessprobe is no field of V1Container',
    ]);
    assert.deepEqual(checkManifest({apiVersion: 'extensions/v1beta1', kind: 'Deployment'}), [
      'there is no extensions/v1beta1 Deployment',
    ]);
  });

  for (const file of kustomizations) {
    test(`${file} -> names what is there, and all that is there`, () => {
      const folder = dirname(file);
      const {
        resources = [],
        components = [],
        patches = [],
      } = parse(read(file)) as {
        resources?: string[];
        components?: string[];
        patches?: {path: string}[];
      };
      const named = [...resources, ...components, ...patches.map(({path}) => path)].map(path => join(folder, path));
      for (const path of named) assert.ok(existsSync(join(manifestFolder, path)), path);
      const beside = manifests.filter(path => dirname(path) === folder);
      assert.deepEqual(named.filter(path => path.endsWith('.yaml')).sort(), beside);
    });
  }

  for (const path of BUILT) {
    test(`kubectl kustomize ${path} -> builds, every field known`, {skip: missing('kustomize')}, () => {
      const known = build(path).filter(document => !isOfOperator(document));
      assert.deepEqual(known.flatMap(checkManifest), []);
    });
  }

  test('the components -> each is named in docs/kubernetes.md', () => {
    const page = readFileSync(new URL('../../docs/kubernetes.md', import.meta.url), 'utf8');
    const there = readdirSync(join(manifestFolder, 'components'));
    assert.deepEqual(
      there.filter(name => !page.includes(`\`${name}\``)),
      [],
    );
  });

  test('overlays/full -> every component but the one that does without the API', () => {
    const {components} = parse(read('overlays/full/kustomization.yaml')) as {components: string[]};
    const there = readdirSync(join(manifestFolder, 'components')).filter(name => name !== 'downward');
    assert.deepEqual(components.map(path => path.replace('../../components/', '')).sort(), there.sort());
  });

  test('the Service that slaves of 2017 know -> has its three ports, by number, which pods of both times have', () => {
    const [service] = documentsIn(read('base/services.yaml')) as unknown as [
      {metadata: {name: string}; spec: {ports: {port: number; targetPort: number}[]}},
    ];
    assert.equal(service.metadata.name, 'haproxy');
    const ports = service.spec.ports.map(({port, targetPort}) => [port, targetPort]);
    assert.deepEqual(
      ports,
      [80, 443, 8000].map(port => [port, port]),
    );
  });

  test("the component with the operators' token -> mounted where KONTROL_TOKEN_FILE says", () => {
    const [patch] = documentsIn(read('components/operator-token/operator-token.yaml')) as unknown as [Mounting];
    const {containers, volumes} = patch.spec.template.spec;
    const [{env, volumeMounts} = {env: [], volumeMounts: []}] = containers;
    const [mount] = volumeMounts;
    assert.deepEqual(env, [{name: 'KONTROL_TOKEN_FILE', value: `${mount?.mountPath}/token`}]);
    assert.deepEqual(volumes[0]?.name, mount?.name);
    assert.equal(volumes[0]?.secret.defaultMode, 0o440);
  });

  test('the component for monitoring -> builds on the base; one Service, one policy and the three that watch more', {
    skip: missing('kustomize'),
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'kontrol-kustomize-'));
    try {
      const at = (path: string) => relative(folder, join(manifestFolder, path));
      const text = `resources: [${at('base')}]\ncomponents: [${at('components/monitoring')}]\n`;
      writeFileSync(join(folder, 'kustomization.yaml'), text);
      const built = documentsIn(
        execFileSync(kubectlBinary, ['kustomize', folder], {encoding: 'utf8', timeout: 30_000}),
      );
      assert.deepEqual(built.filter(document => !isOfOperator(document)).flatMap(checkManifest), []);
      const added = built.length - build('base').length;
      assert.deepEqual(
        [added, built.filter(isOfOperator).map(({kind}) => kind)],
        [5, ['PodMonitor', 'PrometheusRule']],
      );
    } finally {
      rmSync(folder, {recursive: true});
    }
  });

  test('beside-2017 with its policy and monitoring -> all of them are about the new pods, and Prometheus is let in', {
    skip: missing('kustomize'),
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'kontrol-kustomize-'));
    try {
      const overlay = parse(read('overlays/beside-2017/kustomization.yaml')) as object;
      const at = (path: string) => relative(folder, join(manifestFolder, path));
      writeFileSync(join(folder, 'pod.yaml'), read('overlays/beside-2017/pod.yaml'));
      writeFileSync(
        join(folder, 'kustomization.yaml'),
        JSON.stringify({
          ...overlay,
          resources: [at('base')],
          components: [at('components/monitoring')],
          patches: [{path: 'pod.yaml'}],
        }),
      );
      const built = documentsIn(
        execFileSync(kubectlBinary, ['kustomize', folder], {encoding: 'utf8', timeout: 30_000}),
      );
      const spec = (kind: string) => built.filter(one => one.kind === kind).map(one => JSON.stringify(one.spec));
      const about = [...spec('NetworkPolicy'), ...spec('PodMonitor'), ...spec('PodDisruptionBudget')];
      assert.equal(about.length, 4);
      for (const one of about) assert.match(one, /elector":\{"matchLabels":\{"app":"haproxy-new"\}\}/);
      assert.match(spec('NetworkPolicy').join(), /"values":\["prometheus"\]/);
    } finally {
      rmSync(folder, {recursive: true});
    }
  });

  test('rules and board of the component -> those of docker/prometheus and docker/grafana', () => {
    for (const [file, document] of Object.entries(deriveMonitoring())) {
      const found = documentsIn(read(`components/monitoring/${file}`));
      assert.deepEqual(found, [document], `run: node test/kubernetes/write-monitoring.ts`);
    }
  });

  test('the PodMonitor -> scrapes a port that the Deployment has, under a job that the alerts know', () => {
    const [monitor] = documentsIn(read('components/monitoring/pod-monitor.yaml'));
    assert.ok(monitor);
    const {selector, podMetricsEndpoints} = monitor.spec as {
      selector: {matchLabels: object};
      podMetricsEndpoints: {port: string; relabelings: {targetLabel: string; replacement?: string}[]}[];
    };
    const pod = (documentsIn(read('base/deployment.yaml'))[0] as unknown as WithTemplate).spec.template;
    assert.partialDeepStrictEqual((pod.metadata as {labels: object}).labels, selector.matchLabels);
    const {containers} = pod.spec as unknown as {containers: {ports: {name: string}[]}[]};
    const ports = containers.flatMap(container => container.ports.map(({name}) => name));
    for (const {port, relabelings} of podMetricsEndpoints) {
      assert.ok(ports.includes(port), port);
      assert.match(relabelings.find(({targetLabel}) => targetLabel === 'job')?.replacement ?? '', /kontrol/);
    }
  });

  test('the least and the most -> as docs/permissions.md says', {skip: missing('kustomize')}, () => {
    const kinds = (path: string) => build(path).map(({kind}) => kind);
    assert.ok(!kinds('overlays/no-api').some(kind => kind.includes('Role')));
    const capabilitiesOf = (path: string) => /capabilities.*?drop/.exec(JSON.stringify(build(path)))?.[0] ?? '';
    assert.doesNotMatch(capabilitiesOf('base'), /NET_ADMIN/);
    assert.match(capabilitiesOf('overlays/full'), /NET_ADMIN/);
  });

  test('every rule of every role -> in docs/permissions.md, with its verbs', () => {
    const text = readFileSync(join(manifestFolder, '../../docs/permissions.md'), 'utf8').replace(/ +/g, ' ');
    const rules = manifests
      .flatMap(file => documentsIn(read(file)))
      .flatMap(({rules}) => (rules as {resources: string[]; verbs: string[]}[] | undefined) ?? []);
    assert.ok(rules.length >= 6);
    for (const {resources, verbs} of rules) {
      const row = new RegExp(`\\| \`${resources.join(', ')}\` \\| ${verbs.join(', ')} \\|`);
      assert.match(text, row);
    }
  });

  test('a real API server that restricts pods, dry run -> takes every object of kustomize and of the chart, and their pods', {
    skip: missing('apiserver', 'openssl', 'kustomize', 'helm'),
    timeout: APISERVER_SUITE_MS,
  }, async () => {
    await using api = await startApiServer({admission: ['PodSecurityPolicy']});
    await api.admin('POST', '/apis/policy/v1beta1/podsecuritypolicies', RESTRICTED);
    const ofChart = [{}, FULL, NO_API, OTHERS, {...FULL, netAdmin: false}].map(values => renderChart(values));
    for (const {apiVersion, ...document} of [...BUILT.map(build), ...ofChart].flat()) {
      if (isOfOperator({...document, apiVersion})) continue;
      const path = PATHS[document.kind];
      assert.ok(path !== undefined, document.kind);
      const version = OF_THE_SERVER[document.kind] ?? apiVersion;
      await api.admin('POST', `${path}?dryRun=All`, {...document, apiVersion: version});
    }
    // What a controller would make of the Deployment: security is looked at in Pods. That the kubelet sets sysctls is not seen.
    const podOf = (documents: readonly object[]) => {
      const isDeployment = (document: object) => 'kind' in document && document.kind === 'Deployment';
      const {metadata, spec} = (documents.find(isDeployment) as unknown as WithTemplate).spec.template;
      return {metadata: {...metadata, name: 'haproxy-1'}, spec};
    };
    const pods = '/api/v1/namespaces/default/pods?dryRun=All';
    for (const documents of [...BUILT.filter(path => path !== 'overlays/full').map(build), ...ofChart]) {
      if (documents === ofChart[1]) continue;
      const pod = podOf(documents);
      const admitted = await api.admin('POST', pods, pod);
      assert.deepEqual(securityOf(admitted.spec as PodSpec), securityOf(pod.spec));
    }
    assert.ok('sysctls' in podOf(build('base')).spec.securityContext);
    // Root and NET_ADMIN: switched on there, and not to be had in such a namespace.
    for (const documents of [build('overlays/full'), ofChart[1] ?? []]) {
      const {status, text} = await api.call('POST', pods, {body: podOf(documents)});
      assert.deepEqual([status, /capabilities|root|runAsNonRoot/.test(text)], [403, true]);
    }
  });
});
