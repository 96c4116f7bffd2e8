import {type Certificates, openCertificates} from '../certs/certificates.ts';
import {parseTlsNames, TLS_ANNOTATION} from '../certs/names.ts';
import {canSetCertificates} from '../certs/rotation.ts';
import type {Config} from '../config/config.ts';
import type {Api} from '../kubernetes/api.ts';
import type {PodFacts} from '../kubernetes/facts.ts';
import {createSecretFollower} from '../kubernetes/tls-secrets.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {ask} from '../proxy/runtime.ts';
import type {Version} from '../proxy/version.ts';

/** A start waits this long for what the cluster says of its certificates and Services. */
const FIRST_WORD_MS = 5000;

const RUNTIME_LIMIT_MS = 2000;

export interface ClusterPorts {
  readonly config: Config;
  readonly api: Api | undefined;
  readonly haproxy: Version;
  readonly facts: () => PodFacts;
  readonly files: Files;
  readonly clock: Clock;
  readonly room: (name: string) => Log;
  /** A pass is due, at once. */
  readonly demand: (cause: string) => void;
}

/** What the cluster gives the proxy beside the pod's own facts; everything here does without the API for any time. */
export interface Cluster {
  readonly certificates: Certificates;
  /** The pod's annotations may have changed. */
  annotated(): void;
  close(): void;
}

/** Opens what the annotations ask for, and waits a moment for the first word of it. */
export async function openCluster(ports: ClusterPorts): Promise<Cluster> {
  const {config, api, haproxy, facts, files, clock, room, demand} = ports;
  const {dataFolder, pod} = config;
  const log = room('kubernetes');

  const tlsNames = (): readonly string[] => {
    const {names, refused} = parseTlsNames(facts().annotations[TLS_ANNOTATION]);
    if (refused.length > 0) log.warn({reason: refused.join(', ')}, `names in ${TLS_ANNOTATION} refused`);
    return names;
  };
  const socket = `${dataFolder}/haproxy.sock`;
  const certificates = await openCertificates(
    {
      dataFolder,
      mounted: pod.certs,
      followSecret: api && createSecretFollower(pod.namespace, {api, clock, log}),
      ask: canSetCertificates(haproxy)
        ? (command, payload) =>
            ask(socket, command, {timeoutMs: RUNTIME_LIMIT_MS, ...(payload !== undefined && {payload})})
        : undefined,
      files,
      clock,
      log: room('certs'),
      onChange: demand,
      onRefused: () => {},
    },
    tlsNames(),
  );

  await Promise.race([certificates.tried, sleep(clock, FIRST_WORD_MS)]);

  return {
    certificates,
    annotated() {
      certificates.want(tlsNames());
    },
    close() {
      certificates.close();
    },
  };
}
