import {spawnSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {parseAllDocuments} from 'yaml';
import {helmBinary} from '../support/parts.ts';

export const chartFolder = fileURLToPath(new URL('../../docker/chart/', import.meta.url));

export type Values = Readonly<Record<string, unknown>>;

export type ChartDocument = Readonly<Record<string, unknown>> & {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: Readonly<Record<string, unknown>> & {readonly name: string; readonly labels?: object};
};

/** Runs helm; its answer on stdout. Throws with what it says. */
export function helm(args: readonly string[], input = ''): string {
  const {status, stdout, stderr} = spawnSync(helmBinary, args, {input, encoding: 'utf8', timeout: 60_000});
  if (status === 0) return stdout;
  throw new Error(`helm ${args.join(' ')}: ${stderr}`);
}

/** The objects that the chart makes of these values, for a release `haproxy` in the namespace `default`. */
export function renderChart(values: Values = {}): ChartDocument[] {
  const args = ['template', 'haproxy', chartFolder, '--namespace', 'default', '--values', '-'];
  const text = helm(args, JSON.stringify(values));
  return parseAllDocuments(text)
    .map(document => document.toJS() as ChartDocument | null)
    .filter(document => document !== null);
}

/** What `overlays/full` and `overlays/no-api` are, in values. */
export const FULL: Values = {
  template: undefined,
  etcd: {endpoints: 'https://etcd:2379', tlsSecret: 'haproxy-kontrol-etcd'},
  autoscaling: {enabled: true},
  tls: {secrets: ['secret-a', 'secret-b']},
  services: 'web',
  verify: 'source,pods',
  node: true,
  netAdmin: true,
  operatorTokenSecret: 'haproxy-kontrol-operator',
  monitoring: {enabled: true},
};
export const NO_API: Values = {api: false};

/** Everything that is not in either. */
export const OTHERS: Values = {
  image: {pullPolicy: 'Always', pullSecrets: [{name: 'registry'}], tag: 'x'},
  nameOverride: 'on',
  role: '1',
  podAnnotations: {one: 'two'},
  templateConfigMap: {name: 'proxy', key: 'proxy.j2'},
  settings: {
    KONTROL_MODE: 'master,slave',
    KONTROL_DAMPER: 5,
    KONTROL_MAX_MEMBERS: 1_000_000,
    KONTROL_ACCESS_LOG: 'off',
  },
  extraEnv: [{name: 'TZ', value: 'UTC'}],
  replicas: 3,
  etcd: {endpoints: 'http://etcd:2379', userSecret: 'etcd-user'},
  service: {
    type: 'LoadBalancer',
    annotations: {one: 'two'},
    externalTrafficPolicy: 'Local',
    loadBalancerSourceRanges: ['10.0.0.0/8'],
    ports: [{name: 'web', port: 8080}],
  },
  api: false,
  tls: {secrets: ['secret-a']},
  pingTokenSecret: 'pings',
  serviceAccount: {annotations: {one: 'two'}},
  lowPorts: false,
  priorityClassName: 'system-cluster-critical',
  nodeSelector: {pool: 'edge'},
  tolerations: [{key: 'edge', operator: 'Exists'}],
  affinity: {nodeAffinity: {}},
};
