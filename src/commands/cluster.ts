import {type Certificates, openCertificates} from '../certs/certificates.ts';
import {parseTlsNames, TLS_ANNOTATION} from '../certs/names.ts';
import {canSetCertificates} from '../certs/rotation.ts';
import type {Config} from '../config/config.ts';
import type {DaemonError} from '../errors.ts';
import type {Api} from '../kubernetes/api.ts';
import {openEvents} from '../kubernetes/events.ts';
import type {PodFacts} from '../kubernetes/facts.ts';
import {newsOfCertificate, newsOfFatal, newsOfPass} from '../kubernetes/news.ts';
import {openServiceEndpoints} from '../kubernetes/service-endpoints.ts';
import {parseServices, SERVICES_ANNOTATION} from '../kubernetes/services.ts';
import type {ServicesStatus} from '../kubernetes/status.ts';
import {createSecretFollower} from '../kubernetes/tls-secrets.ts';
import type {PassRecord} from '../lifecycle/passes.ts';
import type {Hosts} from '../members/member.ts';
import {type Clock, sleep} from '../ports/clock.ts';
import type {Files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {ask} from '../proxy/runtime.ts';
import type {Version} from '../proxy/version.ts';

/** A start waits this long for what the cluster says of its certificates and Services. */
const FIRST_WORD_MS = 5000;

const RUNTIME_LIMIT_MS = 2000;

/** The end waits this long for events that tell why. */
const LAST_WORD_MS = 2000;

const NO_HOSTS: Hosts = new Map();

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
  /** Hosts changed: a pass is due when the damper says so. */
  readonly changed: (cause: string) => void;
}

/** What the cluster gives the proxy beside the pod's own facts; everything here does without the API for any time. */
export interface Cluster {
  readonly certificates: Certificates;
  /** Addresses of Services, by app, that are hosts beside the pods that ping. */
  serviceHosts(): Hosts;
  /** A pass ended: worth an event on the pod, perhaps. */
  passed(record: PassRecord): void;
  /** The proxy is given up. */
  failed(error: DaemonError): void;
  readonly services: ServicesStatus;
  /** The pod's annotations may have changed. */
  annotated(): void;
  close(): Promise<void>;
}

/** Opens what the annotations ask for, and waits a moment for the first word of it. */
export async function openCluster(ports: ClusterPorts): Promise<Cluster> {
  const {config, api, haproxy, facts, files, clock, room, demand, changed} = ports;
  const {dataFolder, pod} = config;
  const log = room('kubernetes');

  const tlsNames = (): readonly string[] => {
    const {names, refused} = parseTlsNames(facts().annotations[TLS_ANNOTATION]);
    if (refused.length > 0) log.warn({reason: refused.join(', ')}, `names in ${TLS_ANNOTATION} refused`);
    return names;
  };
  const identity = {namespace: pod.namespace, id: pod.id};
  const events = api && openEvents({...identity, uid: () => facts().uid, api, clock, log});
  let failedBefore = false;

  const mappings = () => {
    const {mappings, refused} = parseServices(facts().annotations[SERVICES_ANNOTATION]);
    if (refused.length > 0) log.warn({reason: refused.join(', ')}, `entries of ${SERVICES_ANNOTATION} refused`);
    if (mappings.length > 0 && api === undefined) {
      log.warn({reason: `${SERVICES_ANNOTATION} needs the Kubernetes API`}, 'services cannot be followed');
    }
    return mappings;
  };
  const services =
    api &&
    openServiceEndpoints({
      namespace: pod.namespace,
      api,
      files,
      path: `${dataFolder}/services.json`,
      clock,
      log,
      onChange: () => changed('endpoints of services changed'),
    });
  const wantServices = () => {
    const wanted = mappings();
    services?.want(wanted);
  };
  wantServices();

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
      onRefused: (name, reason) => events?.tell(newsOfCertificate(name, reason)),
    },
    tlsNames(),
  );

  await Promise.race([Promise.all([certificates.tried, services?.tried()]), sleep(clock, FIRST_WORD_MS)]);

  return {
    certificates,
    serviceHosts: () => services?.hosts() ?? NO_HOSTS,
    get services() {
      return {hosts: Object.fromEntries(services?.hosts() ?? NO_HOSTS), watch: services?.status ?? null};
    },
    passed(record) {
      const news = newsOfPass(record, failedBefore);
      failedBefore = record.verdict === 'failed';
      if (news !== undefined) events?.tell(news);
    },
    failed: error => events?.tell(newsOfFatal(error.message)),
    annotated() {
      certificates.want(tlsNames());
      wantServices();
    },
    async close() {
      certificates.close();
      services?.close();
      if (events !== undefined) await Promise.race([events.settled(), sleep(clock, LAST_WORD_MS)]);
    },
  };
}
