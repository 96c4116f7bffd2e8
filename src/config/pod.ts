import type {PodSettings} from './config.ts';
import type {Reader} from './reader.ts';

/** What the machine says where the environment does not. */
export interface Host {
  readonly hostname: string;
  readonly resolvePath: (path: string) => string;
  /** The text of a small file, or undefined when it cannot be read. */
  readonly readText: (path: string) => string | undefined;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const DOWNWARD = '/etc/podinfo';
const HOUR_MS = 3_600_000;

/** Where the pod's own facts come from (docs/settings.md); parsed before the rest, which builds on those facts. */
export function parsePodSettings(reader: Reader, host: Host): PodSettings {
  const credentials = host.resolvePath(reader.text('KONTROL_SERVICEACCOUNT') ?? SERVICE_ACCOUNT);
  const namespace = reader.text('NAMESPACE') ?? host.readText(`${credentials}/namespace`)?.trim();
  const downward = host.resolvePath(reader.text('KONTROL_DOWNWARD') ?? DOWNWARD);
  const hasDownward = host.readText(`${downward}/annotations`) ?? host.readText(`${downward}/labels`);
  if (hasDownward === undefined && reader.text('KONTROL_DOWNWARD') !== undefined) {
    reader.fault(`KONTROL_DOWNWARD ${downward} has neither a file "annotations" nor a file "labels" that can be read`);
  }
  const certs = reader.text('KONTROL_CERTS');
  return {
    namespace: namespace === undefined || namespace === '' ? 'default' : namespace,
    id: reader.text('KONTROL_ID') ?? reader.text('HOSTNAME') ?? host.hostname,
    downward: hasDownward === undefined ? undefined : downward,
    api: parseApi(reader, host, credentials),
    waitMs: reader.secondsMs('KONTROL_POD_WAIT', 60_000, {minMs: 0, maxMs: HOUR_MS}),
    certs: certs === undefined ? undefined : host.resolvePath(certs),
  };
}

function parseApi(reader: Reader, host: Host, credentials: string): PodSettings['api'] {
  const setting = reader.oneOf('KONTROL_API', 'auto', ['auto', 'on', 'off']);
  if (setting === 'off') return undefined;
  const address = reader.text('KUBERNETES_SERVICE_HOST')?.trim();
  const port = reader.text('KUBERNETES_SERVICE_PORT')?.trim() ?? '443';
  const hasToken = host.readText(`${credentials}/token`) !== undefined;
  if (address !== undefined && hasToken) {
    return {server: `https://${address.includes(':') ? `[${address}]` : address}:${port}`, credentials};
  }
  if (setting === 'on') {
    const lacking = address === undefined ? 'KUBERNETES_SERVICE_HOST is not set' : `there is no ${credentials}/token`;
    reader.fault(`KONTROL_API is on, but ${lacking}: mount the ServiceAccount's token`);
  }
  return undefined;
}
