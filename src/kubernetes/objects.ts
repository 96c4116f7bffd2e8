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

export interface EndpointSlice extends Named {
  readonly service: string | undefined;
  readonly addressType: string | undefined;
  /** Addresses of endpoints that are ready (or do not say: discovery.k8s.io, `conditions.ready`). */
  readonly ready: readonly string[];
}

export function parseEndpointSlice(value: unknown): EndpointSlice | undefined {
  const named = parseNamed(value);
  if (named === undefined) return undefined;
  const {metadata, addressType, endpoints} = fieldsOf(value);
  const ready = listOf(endpoints)
    .map(fieldsOf)
    .filter(({conditions}) => fieldsOf(conditions).ready !== false)
    // Only the first address of an endpoint may be used (discovery.k8s.io/v1, "addresses").
    .flatMap(({addresses}) => stringOf(listOf(addresses)[0]) ?? []);
  return {
    ...named,
    service: labelsOf(fieldsOf(metadata).labels)['kubernetes.io/service-name'],
    addressType: stringOf(addressType),
    ready,
  };
}

/** A list's items and the version to watch from; undefined for what is no list. */
export function parseList(value: unknown): {items: readonly unknown[]; resourceVersion: string} | undefined {
  const {items, metadata} = fieldsOf(value);
  const resourceVersion = stringOf(fieldsOf(metadata).resourceVersion);
  if (!Array.isArray(items) || resourceVersion === undefined) return undefined;
  return {items, resourceVersion};
}
