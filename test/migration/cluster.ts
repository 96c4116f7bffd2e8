import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {isDeepStrictEqual, promisify} from 'node:util';
import {parseAllDocuments} from 'yaml';
import {kubectlBinary} from '../support/parts.ts';
import type {Place} from '../support/place.ts';
import {fetchText} from '../support/web.ts';
import {wordsOf} from './guide.ts';

type Labels = Readonly<Record<string, string>>;

interface Service {
  readonly metadata: {readonly name: string};
  readonly spec: {
    readonly selector: Labels;
    readonly publishNotReadyAddresses?: boolean;
    readonly ports: readonly {readonly port: number; readonly targetPort?: number | string}[];
  };
}

/** What the walk looks at of one. */
export interface Deployment {
  readonly metadata: {readonly name: string};
  readonly spec: {
    readonly selector: {readonly matchLabels: Labels};
    readonly template: {
      readonly metadata: {readonly labels: Labels; readonly annotations?: Labels};
      readonly spec?: {
        readonly containers: readonly {
          readonly ports?: readonly {readonly name?: string; readonly containerPort: number}[];
          readonly env?: readonly {readonly name: string; readonly value?: string}[];
        }[];
      };
    };
  };
}

export interface RunningPod {
  readonly ip: string;
  readonly deployment: Deployment;
  isReady(): Promise<boolean>;
  /** Runs a program inside. */
  exec?(argv: readonly string[]): Promise<string>;
  /** At once; nobody is sent to it any more. */
  end?(): Promise<void>;
}

/** What the test does when Deployments change; each resolves once its pods are as they should be. */
export interface Kubelet {
  rollOut(deployment: Deployment, before: Deployment | undefined): Promise<void>;
  scale(deployment: Deployment, replicas: number): Promise<void>;
}

/**
 * As much of a cluster as the guide needs: objects that its `kubectl` lines change, and for each Service an address that
 * leads to the pods that its selector matches, as kube-proxy writes it.
 */
export interface Cluster {
  readonly pods: Set<RunningPod>;
  addService(service: Service): void;
  addDeployment(deployment: Deployment): void;
  /** The address of `<service>.default.svc`. */
  resolve(name: string): string;
  /** Runs a line of the guide; what it printed. Throws for a line that it does not know. */
  run(command: string): Promise<string>;
  /** Has the Services lead to the pods that are ready now. */
  sync(): Promise<void>;
}

const ADDRESS = (number: number): string => `10.78.255.${number}`;
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** Beside which the slaves go on pinging from this process: it may take longer than their TTL. */
const run = promisify(execFile);

const matches = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

/** `clients` are the places whose connections to Services are translated. */
export function createCluster(clients: readonly Place[], kubelet: Kubelet): Cluster {
  const services = new Map<string, Service>();
  const deployments = new Map<string, Deployment>();
  const addresses = new Map<string, string>();
  const pods = new Set<RunningPod>();
  let rules = '';

  const addService = (service: Service): void => {
    const {name} = service.metadata;
    services.set(name, service);
    if (!addresses.has(name)) addresses.set(name, ADDRESS(addresses.size + 1));
  };
  const serviceOf = (name: string): Service => services.get(name) ?? fail(`there is no Service ${name}`);
  const deploymentOf = (name: string): Deployment => deployments.get(name) ?? fail(`there is no Deployment ${name}`);

  const endpointsOf = async ({spec}: Service, target: number | string): Promise<string[]> => {
    const found: string[] = [];
    for (const {ip, deployment, isReady} of pods) {
      const {metadata, spec: podSpec} = deployment.spec.template;
      if (!matches(spec.selector, metadata.labels)) continue;
      if (!spec.publishNotReadyAddresses && !(await isReady())) continue;
      const named = podSpec?.containers.flatMap(({ports = []}) => ports).find(({name}) => name === target);
      const port = typeof target === 'number' ? target : named?.containerPort;
      if (port !== undefined) found.push(`${ip}:${port}`);
    }
    return found;
  };

  const sync = async (): Promise<void> => {
    const lines: string[] = [];
    for (const [name, service] of services) {
      for (const {port, targetPort = port} of service.spec.ports) {
        const endpoints = await endpointsOf(service, targetPort);
        for (const [index, endpoint] of endpoints.entries()) {
          const share = `-m statistic --mode random --probability ${1 / (endpoints.length - index)}`;
          const to = `-d ${addresses.get(name)}/32 -p tcp --dport ${port}`;
          lines.push(`-A OUTPUT ${to} ${share} -j DNAT --to-destination ${endpoint}`);
        }
      }
    }
    const refused = `-A OUTPUT -d ${ADDRESS(0)}/24 -p tcp -j REJECT --reject-with tcp-reset`;
    const next = [
      ...['*nat', ':OUTPUT ACCEPT [0:0]', ...lines, 'COMMIT'],
      ...['*filter', ':OUTPUT ACCEPT [0:0]', refused, 'COMMIT', ''],
    ].join('\n');
    if (next === rules) return;
    rules = next;
    for (const place of clients) {
      const [file = '', ...args] = place.exec(['iptables-restore', '-w']);
      const restoring = run(file, args);
      restoring.child.stdin?.end(next);
      await restoring;
    }
  };

  const resolve = (name: string): string =>
    addresses.get(name.replace(/\.default\.svc$/, '')) ?? fail(`no Service has the name ${name}`);

  const objectsOf = async (folder: string): Promise<readonly {readonly kind: string}[]> => {
    const {stdout} = await run(kubectlBinary, ['kustomize', `${REPOSITORY}${folder}`]);
    return parseAllDocuments(stdout).map(document => document.toJS() as {readonly kind: string});
  };
  const apply = async (folder: string): Promise<void> => {
    for (const object of await objectsOf(folder)) {
      if (object.kind === 'Service') addService(object as unknown as Service);
      if (object.kind === 'Deployment') await rollOut(object as unknown as Deployment);
    }
  };
  const removeAll = async (folder: string): Promise<void> => {
    for (const object of await objectsOf(folder)) {
      const {name} = (object as unknown as Service).metadata;
      if (object.kind === 'Service') services.delete(serviceOf(name).metadata.name);
      if (object.kind === 'Deployment') await kubelet.scale(deploymentOf(name), 0);
    }
  };
  const rollOut = async (deployment: Deployment): Promise<void> => {
    const {name} = deployment.metadata;
    const before = deployments.get(name);
    if (before !== undefined && !isDeepStrictEqual(before.spec.selector, deployment.spec.selector)) {
      fail(`Deployment ${name}: spec.selector: field is immutable`);
    }
    deployments.set(name, deployment);
    await kubelet.rollOut(deployment, before);
  };

  const patchService = (name: string, patch: string): void => {
    const [change] = JSON.parse(patch) as [{op: string; path: string; value: Labels}];
    if (change.op !== 'replace' || change.path !== '/spec/selector') fail(`cannot patch ${change.path}`);
    const service = serviceOf(name);
    services.set(name, {...service, spec: {...service.spec, selector: change.value}});
  };
  const patchDeployment = async (name: string, patch: string): Promise<void> => {
    const {annotations} = (JSON.parse(patch) as Deployment).spec.template.metadata;
    const {spec, ...deployment} = deploymentOf(name);
    const {metadata, ...template} = spec.template;
    const annotated = {...metadata, annotations: {...metadata.annotations, ...annotations}};
    await rollOut({...deployment, spec: {...spec, template: {...template, metadata: annotated}}});
  };

  const perform = async (words: readonly string[]): Promise<string> => {
    const line = words.map(word => (word.startsWith('[') || word.startsWith('{') ? 'JSON' : word)).join(' ');
    const [, , , subject = ''] = words;
    const last = words.at(-1) ?? '';
    if (/^kubectl apply -k \S+$/.test(line)) await apply(last);
    else if (/^kubectl delete -k \S+$/.test(line)) await removeAll(last);
    else if (/^kubectl rollout status deployment\/\S+$/.test(line)) await rolledOut(last.replace('deployment/', ''));
    else if (/^kubectl expose deployment \S+ --name \S+ --port \d+$/.test(line)) {
      const {matchLabels: selector} = deploymentOf(subject).spec.selector;
      addService({metadata: {name: words[5] ?? ''}, spec: {selector, ports: [{port: Number(last)}]}});
    } else if (/^kubectl patch service \S+ --type json --patch JSON$/.test(line)) patchService(subject, last);
    else if (/^kubectl patch deployment \S+ --patch JSON$/.test(line)) await patchDeployment(subject, last);
    else if (/^kubectl scale deployment \S+ --replicas \d$/.test(line)) {
      await kubelet.scale(deploymentOf(subject), Number(last));
    } else if (/^kubectl delete service \S+$/.test(line)) services.delete(serviceOf(subject).metadata.name);
    else if (/^kubectl exec deployment\/\S+ -- /.test(line)) {
      return execIn(words[2]?.replace('deployment/', '') ?? '', words.slice(4));
    } else if (/^kubectl get --raw \S+$/.test(line)) return fetchThroughProxy(last);
    else fail(`the walk knows no ${line}`);
    return '';
  };
  const podsOf = (name: string) => [...pods].filter(pod => pod.deployment.metadata.name === name);
  const rolledOut = async (name: string): Promise<void> => {
    for (const pod of podsOf(name)) {
      while (!(await pod.isReady())) await new Promise(wake => setTimeout(wake, 50));
    }
  };
  const execIn = async (name: string, argv: readonly string[]): Promise<string> =>
    (await podsOf(name)[0]?.exec?.(argv)) ?? fail(`nothing to run ${argv.join(' ')} in`);
  /** The API server asks a Service by its name and port. */
  const fetchThroughProxy = (given: string): Promise<string> => {
    const [, name, port, path = '/'] =
      /^\/api\/v1\/namespaces\/default\/services\/([a-z-]+):(\d+)\/proxy(\/.*)$/.exec(given) ??
      fail(`the API server has no ${given}`);
    const [place] = clients;
    return fetchText({host: resolve(name ?? ''), port: Number(port), path, ...(place && {place})});
  };

  return {
    pods,
    addService,
    addDeployment: deployment => void deployments.set(deployment.metadata.name, deployment),
    resolve,
    sync,
    async run(command) {
      const printed = await perform(wordsOf(command));
      await sync();
      return printed;
    },
  };
}

function fail(reason: string): never {
  throw new Error(`cannot walk docs/migration.md: ${reason}`);
}
