import {mkdir, readFile, rename, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseAllDocuments} from 'yaml';
import type {ApiServer} from './apiserver.ts';
import {makePair} from './pairs.ts';
import {withExpiry} from './tokens.ts';

type Fields = Readonly<Record<string, unknown>>;
type Labels = Readonly<Record<string, string>>;

const MERGE_PATCH = 'application/merge-patch+json';

export const manifestFolder = fileURLToPath(new URL('../../docker/kubernetes/', import.meta.url));

/** The documents of a shipped manifest. */
export async function loadManifest(path: string): Promise<Fields[]> {
  const text = await readFile(join(manifestFolder, path), 'utf8');
  return parseAllDocuments(text).map(document => document.toJS() as Fields);
}

export interface PodOptions {
  readonly labels?: Labels;
  readonly annotations?: Labels;
  /** Absent: not reported yet. */
  readonly ip?: string;
  readonly nodeName?: string;
}

export interface PodEvent {
  readonly reason: string;
  readonly type: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: {readonly uid?: string};
}

/** An address of a Service, and how its pod is. */
export interface SetEndpoint {
  readonly ip: string;
  readonly ready: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly pod?: string;
}

/** A namespace of a test's own, with the daemon's ServiceAccount and the shipped Role in it. */
export interface Namespace {
  readonly name: string;
  /** `/api/v1/namespaces/<name>`. */
  readonly path: string;
  createPod(name: string, options: PodOptions): Promise<void>;
  setPodStatus(name: string, status: Fields): Promise<void>;
  annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void>;
  createNode(name: string, options: {readonly labels: Labels; readonly externalIp: string}): Promise<void>;
  /** The shipped ClusterRole for nodes, bound to the daemon's ServiceAccount. */
  permitNodes(): Promise<void>;
  /** The EndpointSlice of a Service, as its controller would write it (1.20 has them as v1beta1). */
  setEndpoints(service: string, endpoints: readonly SetEndpoint[], ports?: readonly Fields[]): Promise<void>;
  /** Lets the daemon of another namespace follow the endpoints of this one, by the shipped Role. */
  letFollow(other: string): Promise<void>;
  /** The Events on a pod: reason, type, message and count. */
  eventsOf(pod: string): Promise<readonly PodEvent[]>;
  /** At once, as when the kubelet has confirmed. */
  deletePod(name: string): Promise<void>;
  setSecret(name: string, values: Labels): Promise<void>;
  /** Grants rules to the daemon's ServiceAccount beside the shipped Role. */
  grant(name: string, rules: readonly Fields[]): Promise<void>;
  /** Writes a fresh token to the folder `credentials`, as the kubelet does; good for an hour when nothing is said. */
  writeToken(goodForMs?: number): Promise<void>;
  /** Whether the server still takes what lies in the folder. */
  isTokenGood(): Promise<boolean>;
  readonly credentials: string;
  /** Puts a CA of somebody else's beside the token. */
  distrust(): Promise<void>;
  /** What a container of the pod `name` finds in its environment; facts come from the cluster. */
  environment(name: string, port?: number): Record<string, string>;
  readonly api: ApiServer;
}

const ACCOUNT = 'haproxy-kontrol';

let number = 0;

/** Makes a namespace with the shipped ServiceAccount and Role (`with` names further manifests that hold RBAC rules). */
export async function openNamespace(
  api: ApiServer,
  options: {readonly with?: readonly string[]} = {},
): Promise<Namespace> {
  const name = `test-${++number}`;
  const path = `/api/v1/namespaces/${name}`;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${name}`;
  const credentials = join(api.folder, `account-${name}`);
  await api.admin('POST', '/api/v1/namespaces', {metadata: {name}});
  await api.admin('POST', `${path}/serviceaccounts`, {metadata: {name: ACCOUNT}});
  for (const file of ['base/rbac.yaml', ...(options.with ?? [])]) {
    for (const document of await loadManifest(file)) {
      const {kind} = document;
      const subjects = [{kind: 'ServiceAccount', name: ACCOUNT, namespace: name}];
      if (kind === 'Role') await api.admin('POST', `${rbac}/roles`, document);
      if (kind === 'RoleBinding') await api.admin('POST', `${rbac}/rolebindings`, {...document, subjects});
    }
  }

  const replaceFile = async (file: string, text: string) => {
    await writeFile(join(credentials, `${file}.next`), text);
    await rename(join(credentials, `${file}.next`), join(credentials, file));
  };

  const namespace: Namespace = {
    name,
    path,
    api,
    credentials,
    async createPod(pod, {labels = {}, annotations = {}, ip, nodeName = 'node-1'}) {
      const containers = [{name: 'main', image: 'none'}];
      const metadata = {name: pod, labels, annotations};
      await api.admin('POST', `${path}/pods`, {metadata, spec: {nodeName, containers}});
      if (ip !== undefined) await namespace.setPodStatus(pod, {phase: 'Running', podIP: ip, podIPs: [{ip}]});
    },
    async setPodStatus(pod, status) {
      await api.admin('PATCH', `${path}/pods/${pod}/status`, {status}, MERGE_PATCH);
    },
    async annotate(pod, annotations) {
      await api.admin('PATCH', `${path}/pods/${pod}`, {metadata: {annotations}}, MERGE_PATCH);
    },
    async createNode(node, {labels, externalIp}) {
      await api.admin('POST', '/api/v1/nodes', {metadata: {name: node, labels}});
      const addresses = [
        {type: 'InternalIP', address: '10.9.9.9'},
        {type: 'ExternalIP', address: externalIp},
      ];
      await api.admin('PATCH', `/api/v1/nodes/${node}/status`, {status: {addresses}}, MERGE_PATCH);
    },
    async permitNodes() {
      const all = '/apis/rbac.authorization.k8s.io/v1';
      const [role, binding] = await loadManifest('components/node/rbac.yaml');
      await api.admin('POST', `${all}/clusterroles`, role);
      const subjects = [{kind: 'ServiceAccount', name: ACCOUNT, namespace: name}];
      await api.admin('POST', `${all}/clusterrolebindings`, {...binding, subjects});
    },
    async letFollow(other) {
      const [role, binding] = await loadManifest('components/services/rbac.yaml');
      await api.admin('POST', `${rbac}/roles`, role);
      const subjects = [{kind: 'ServiceAccount', name: ACCOUNT, namespace: other}];
      await api.admin('POST', `${rbac}/rolebindings`, {...binding, subjects});
    },
    async setEndpoints(service, endpoints, ports = []) {
      const slices = `/apis/discovery.k8s.io/v1beta1/namespaces/${name}/endpointslices`;
      const metadata = {name: `${service}-abcde`, labels: {'kubernetes.io/service-name': service}};
      const listed = endpoints.map(({ip, pod, ...conditions}) => ({
        addresses: [ip],
        conditions,
        ...(pod !== undefined && {targetRef: {kind: 'Pod', name: pod, namespace: name}}),
      }));
      const slice = {metadata, addressType: 'IPv4', endpoints: listed, ports};
      const {items} = await api.admin('GET', `${slices}?labelSelector=kubernetes.io/service-name=${service}`);
      const exists = Array.isArray(items) && items.length > 0;
      if (exists) await api.admin('PUT', `${slices}/${metadata.name}`, slice);
      else await api.admin('POST', slices, slice);
    },
    async eventsOf(pod) {
      const {items} = await api.admin('GET', `${path}/events?fieldSelector=involvedObject.name=${pod}`);
      return items as PodEvent[];
    },
    async deletePod(pod) {
      await api.admin('DELETE', `${path}/pods/${pod}`, {gracePeriodSeconds: 0});
    },
    async setSecret(secret, values) {
      const data = Object.fromEntries(
        Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
      );
      const body = {metadata: {name: secret}, type: 'kubernetes.io/tls', data};
      const {items} = await api.admin('GET', `${path}/secrets?fieldSelector=metadata.name=${secret}`);
      const exists = Array.isArray(items) && items.length > 0;
      await (exists ? api.admin('PUT', `${path}/secrets/${secret}`, body) : api.admin('POST', `${path}/secrets`, body));
    },
    async grant(role, rules) {
      await api.admin('POST', `${rbac}/roles`, {metadata: {name: role}, rules});
      const subjects = [{kind: 'ServiceAccount', name: ACCOUNT, namespace: name}];
      const roleRef = {apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role};
      await api.admin('POST', `${rbac}/rolebindings`, {metadata: {name: role}, subjects, roleRef});
    },
    async writeToken(goodForMs) {
      const spec = {expirationSeconds: 3600};
      const answer = await api.admin('POST', `${path}/serviceaccounts/${ACCOUNT}/token`, {spec});
      const token = String((answer.status as Fields).token);
      const key = await readFile(api.accountKeyFile, 'utf8');
      await mkdir(credentials, {recursive: true});
      await replaceFile('ca.crt', await readFile(api.caFile, 'utf8'));
      await replaceFile('namespace', name);
      await replaceFile('token', goodForMs === undefined ? token : withExpiry(token, Date.now() + goodForMs, key));
    },
    async isTokenGood() {
      const token = await readFile(join(credentials, 'token'), 'utf8');
      return (await api.call('GET', `${path}/pods/none`, {token})).status !== 401;
    },
    async distrust() {
      await replaceFile('ca.crt', (await makePair('another-ca')).chain);
    },
    environment: (pod, port = api.port) => ({
      HOSTNAME: pod,
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: String(port),
      KONTROL_SERVICEACCOUNT: credentials,
      KONTROL_LABELS: '',
      KONTROL_TEMPLATE: '',
    }),
  };
  await namespace.writeToken();
  return namespace;
}
