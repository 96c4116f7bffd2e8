import type {Config, Labels} from './config.ts';

/** Its start script set this one, too; nothing here reads it. */
const FOVER_OF_2017 = '60';

const seconds = (ms: number): string => String(ms / 1000);

/** What may change while the daemon runs: labels and annotations of the Pod and its node. */
export interface LiveLabels {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly nodeLabels: Labels;
  readonly nodeAnnotations: Labels;
}

/**
 * `KONTROL_*` and the pod's names as a shell block, a job or a callback sees them: what was set, and beside it what is
 * in force where it was not (derived from the Pod, or a default). Source: docs/contract-2017.md#environment.
 */
export function deriveBlockEnvironment(config: Config, live: LiveLabels): Labels {
  const {self} = config;
  const derived: Record<string, string | undefined> = {
    NAMESPACE: self.namespace,
    KONTROL_ID: self.id,
    KONTROL_IP: self.ip,
    KONTROL_EIP: self.eip,
    KONTROL_LABELS: JSON.stringify(live.labels),
    KONTROL_ANNOTATIONS: JSON.stringify(live.annotations),
    KONTROL_NODE_LABELS: JSON.stringify(live.nodeLabels),
    KONTROL_NODE_ANNOTATIONS: JSON.stringify(live.nodeAnnotations),
    KONTROL_DAMPER: seconds(config.damperMs),
    KONTROL_DATA: config.dataFolder,
    KONTROL_HAPROXY: config.haproxy,
    KONTROL_FOVER: config.env.KONTROL_FOVER ?? FOVER_OF_2017,
    KONTROL_PAYLOAD: config.payloadFile,
    KONTROL_PORT: String(config.port),
    KONTROL_SOCKET: config.socketPath,
    KONTROL_TELEGRAF_CONF: config.telegrafConf,
    KONTROL_TTL: seconds(config.ttlMs),
  };
  const known = Object.entries(derived).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {...config.env, ...Object.fromEntries(known)};
}
