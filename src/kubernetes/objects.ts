/*
 * Objects of the Kubernetes API as far as the daemon reads them. They enter as `unknown`: what is missing or of another
 * kind is undefined, and nothing here throws.
 */

export type Labels = Readonly<Record<string, string>>;
type Fields = Readonly<Record<string, unknown>>;

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const stringOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const labelsOf = (value: unknown): Labels =>
  Object.fromEntries(
    Object.entries(fieldsOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

export interface Named {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

/** What names an object; undefined for what is no object of the API. */
export function parseNamed(value: unknown): Named | undefined {
  const metadata = fieldsOf(fieldsOf(value).metadata);
  const name = stringOf(metadata.name);
  if (name === undefined) return undefined;
  return {
    name,
    namespace: stringOf(metadata.namespace) ?? '',
    uid: stringOf(metadata.uid),
    resourceVersion: stringOf(metadata.resourceVersion),
  };
}

export interface PodObject extends Named {
  readonly labels: Labels;
  readonly annotations: Labels;
  /** All addresses, the first one first; none before the kubelet has reported them. */
  readonly ips: readonly string[];
  readonly nodeName: string | undefined;
  /** Of its first container. */
  readonly image: string | undefined;
  readonly phase: string | undefined;
  /** Its deletion was asked for; it has until its grace ends. */
  readonly terminating: boolean;
}

export function parsePod(value: unknown): PodObject | undefined {
  const named = parseNamed(value);
  if (named === undefined) return undefined;
  const {metadata, spec, status} = fieldsOf(value);
  const {podIP, podIPs, phase} = fieldsOf(status);
  const ips = [podIP, ...listOf(podIPs).map(entry => fieldsOf(entry).ip)].flatMap(ip => stringOf(ip) ?? []);
  return {
    ...named,
    labels: labelsOf(fieldsOf(metadata).labels),
    annotations: labelsOf(fieldsOf(metadata).annotations),
    ips: [...new Set(ips)],
    nodeName: stringOf(fieldsOf(spec).nodeName),
    image: stringOf(fieldsOf(listOf(fieldsOf(spec).containers)[0]).image),
    phase: stringOf(phase),
    terminating: stringOf(fieldsOf(metadata).deletionTimestamp) !== undefined,
  };
}

export interface Node extends Named {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly externalIp: string | undefined;
}

export function parseNode(value: unknown): Node | undefined {
  const named = parseNamed(value);
  if (named === undefined) return undefined;
  const {metadata, status} = fieldsOf(value);
  const external = listOf(fieldsOf(status).addresses)
    .map(fieldsOf)
    .find(({type}) => type === 'ExternalIP');
  return {
    ...named,
    labels: labelsOf(fieldsOf(metadata).labels),
    annotations: labelsOf(fieldsOf(metadata).annotations),
    externalIp: stringOf(external?.address),
  };
}

export interface Secret extends Named {
  readonly type: string | undefined;
  /** Values decoded from base64, as text. */
  readonly values: Labels;
}

export function parseSecret(value: unknown): Secret | undefined {
  const named = parseNamed(value);
  if (named === undefined) return undefined;
  const {type, data} = fieldsOf(value);
  const values = Object.entries(labelsOf(data)).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]);
  return {...named, type: stringOf(type), values: Object.fromEntries(values)};
}

/** One address of a Service. `ready`: it takes new connections; `serving`: it works, though it may be terminating. */
export interface SliceEndpoint {
  readonly ip: string;
  readonly zone: string;
  readonly node: string;
  /** Its Pod's name; empty where there is none. */
  readonly pod: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

export interface EndpointPort {
  readonly name: string;
  readonly port: number;
}

export interface EndpointSlice extends Named {
  readonly service: string | undefined;
  readonly addressType: string | undefined;
  /** Of TCP; one without a number is none that a proxy can use. */
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly SliceEndpoint[];
}

export function parseEndpointSlice(value: unknown): EndpointSlice | undefined {
  const named = parseNamed(value);
  if (named === undefined) return undefined;
  const {metadata, addressType, endpoints, ports} = fieldsOf(value);
  return {
    ...named,
    service: labelsOf(fieldsOf(metadata).labels)['kubernetes.io/service-name'],
    addressType: stringOf(addressType),
    ports: listOf(ports).map(fieldsOf).flatMap(parsePort),
    endpoints: listOf(endpoints).map(fieldsOf).flatMap(parseEndpoint),
  };
}

const parsePort = ({name, port, protocol}: Fields): EndpointPort[] =>
  typeof port === 'number' && (protocol ?? 'TCP') === 'TCP' ? [{name: stringOf(name) ?? '', port}] : [];

function parseEndpoint({addresses, conditions, zone, nodeName, topology, targetRef}: Fields): SliceEndpoint[] {
  // Only the first address of an endpoint may be used (discovery.k8s.io/v1, "addresses").
  const ip = stringOf(listOf(addresses)[0]);
  if (ip === undefined) return [];
  const {ready, serving, terminating} = fieldsOf(conditions);
  // v1beta1 has zone and node among labels.
  const labels = labelsOf(topology);
  const {kind, name} = fieldsOf(targetRef);
  // What is not said: an endpoint is ready, and serves where it is ready (discovery.k8s.io/v1, "conditions").
  const isReady = ready !== false;
  return [
    {
      ip,
      zone: stringOf(zone) ?? labels['topology.kubernetes.io/zone'] ?? '',
      node: stringOf(nodeName) ?? labels['kubernetes.io/hostname'] ?? '',
      pod: kind === 'Pod' ? (stringOf(name) ?? '') : '',
      ready: isReady,
      serving: typeof serving === 'boolean' ? serving : isReady,
      terminating: terminating === true,
    },
  ];
}

/** A list's items and the version to watch from; undefined for what is no list. */
export function parseList(value: unknown): {items: readonly unknown[]; resourceVersion: string} | undefined {
  const {items, metadata} = fieldsOf(value);
  const resourceVersion = stringOf(fieldsOf(metadata).resourceVersion);
  if (!Array.isArray(items) || resourceVersion === undefined) return undefined;
  return {items, resourceVersion};
}
