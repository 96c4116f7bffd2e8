import {type Certificates, openCertificates} from '../../certs/certificates.ts';
import {parseTlsNames, TLS_ANNOTATION} from '../../certs/names.ts';
import {canSetCertificates} from '../../certs/rotation.ts';
import type {DaemonError} from '../../errors.ts';
import type {Problem} from '../../http/status-types.ts';
import {openEventWriter} from '../../kubernetes/event-writer.ts';
import {
  eventOfCertificate,
  eventOfDrift,
  eventOfFatal,
  eventOfHang,
  eventOfPass,
  eventOfProblem,
  eventOfQuarantine,
} from '../../kubernetes/pod-events.ts';
import type {LivePod} from '../../kubernetes/pod-facts.ts';
import {openServiceEndpoints} from '../../kubernetes/service-endpoints.ts';
import {parseServices, SERVICES_ANNOTATION, type ServiceMapping} from '../../kubernetes/services.ts';
import type {ServicesStatus} from '../../kubernetes/status.ts';
import {createSecretFollower} from '../../kubernetes/tls-secrets.ts';
import type {PassEnd} from '../../lifecycle/passes.ts';
import type {Quarantined} from '../../lifecycle/quarantine.ts';
import type {Hosts} from '../../members/member.ts';
import {systemClock as clock, within} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {Log} from '../../ports/log.ts';
import {createSource, type Source} from '../../ports/source.ts';
import {describeDeviation} from '../../proxy/drift.ts';
import type {Drift} from '../../proxy/drift-watch.ts';
import {ask} from '../../proxy/runtime.ts';
import type {Hang} from '../../reload/liveness.ts';
import type {Context} from './context.ts';
import type {Ground} from './ground.ts';

/** A start waits this long for what the cluster says of its certificates and Services. */
const FIRST_WORD_MS = 5000;

const RUNTIME_LIMIT_MS = 2000;

/** The end waits this long for events that tell why. */
const LAST_WORD_MS = 2000;

const NO_HOSTS: Hosts = new Map();

/** A pass is due: at once (`urgent`), or when the damper says so. */
export interface ClusterChange {
  readonly urgent: boolean;
  readonly cause: string;
}

/** What the cluster gives the proxy beside the pod's own facts; everything here does without the API for any time. */
export interface Cluster extends AsyncDisposable {
  readonly certificates: Certificates;
  readonly changes: Source<ClusterChange>;
  /** Addresses of Services, by app, that are hosts beside the pods that ping. */
  serviceHosts(): Hosts;
  /** A pass ended, and this text serves: worth an event on the pod, perhaps; certificates that it names are settled. */
  passed(end: Pick<PassEnd, 'record' | 'isFallback'>, served: string | undefined): void;
  /** HAProxy runs something else than its text, or does so no longer. */
  drifted(drift: Drift): void;
  /** Members that no configuration can be made with were found. */
  quarantined(found: readonly Quarantined[]): void;
  /** HAProxy hung and was replaced. */
  hung(hang: Hang): void;
  /** A problem has stayed for a while, or is over. */
  noteProblem(problem: Problem, isOver: boolean): void;
  /** The proxy is given up. */
  failed(error: DaemonError): void;
  readonly services: ServicesStatus;
  /** The pod's annotations may have changed. */
  annotated(): void;
}

/** Opens what the annotations ask for, and waits a moment for the first word of it; a stop that is asked for ends the wait. */
export async function openCluster(
  {config, pod: live, api, room, ending, output}: Context,
  {haproxy}: Ground,
): Promise<Cluster> {
  const {dataFolder, pod} = config;
  const log = room('kubernetes');
  const changes = createSource<ClusterChange>();

  const identity = {namespace: pod.namespace, id: pod.id};
  const events = api && openEventWriter({...identity, uid: () => live.facts.uid, api, clock, log});
  let failedBefore = false;

  const services =
    api &&
    openServiceEndpoints({
      namespace: pod.namespace,
      api,
      files,
      path: `${dataFolder}/services.json`,
      clock,
      log,
      onChange: () => changes.tell({urgent: false, cause: 'endpoints of services changed'}),
    });
  const wantServices = () => {
    const wanted = wantedServices(live, api, log);
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
      onChange: cause => changes.tell({urgent: true, cause}),
      onRefused: (name, reason) => events?.tell(eventOfCertificate(name, reason)),
    },
    wantedCertificates(live, log),
  );

  await within(clock, FIRST_WORD_MS, Promise.all([certificates.tried, services?.tried()]), ending.asked);

  return {
    certificates,
    changes,
    serviceHosts: () => services?.hosts() ?? NO_HOSTS,
    get services() {
      return {hosts: Object.fromEntries(services?.hosts() ?? NO_HOSTS), watch: services?.status ?? null};
    },
    passed({record, isFallback}, served) {
      if (record.verdict !== 'failed') void certificates.settle(record.verdict === 'ok', served ?? '');
      if (isFallback) return;
      const event = eventOfPass(record, failedBefore);
      failedBefore = record.verdict === 'failed';
      if (event !== undefined) events?.tell(event);
    },
    quarantined(found) {
      for (const member of found) events?.tell(eventOfQuarantine(member));
    },
    hung: hang => events?.tell(eventOfHang(hang)),
    noteProblem(problem, isOver) {
      const event = eventOfProblem(problem, isOver);
      if (event !== undefined) events?.tell(event);
    },
    failed: error => events?.tell(eventOfFatal(output.secrets.hide(error.message))),
    drifted({count, deviations: [first]}) {
      if (first !== undefined) events?.tell(eventOfDrift(describeDeviation(first), count));
    },
    annotated() {
      certificates.want(wantedCertificates(live, log));
      wantServices();
    },
    async [Symbol.asyncDispose]() {
      certificates.close();
      services?.close();
      if (events !== undefined) await within(clock, LAST_WORD_MS, events.settled(), ending.skip);
    },
  };
}

/** The names of certificates that the annotation asks for; those that are none are a warning. */
function wantedCertificates({facts}: LivePod, log: Log): readonly string[] {
  const {names, refused} = parseTlsNames(facts.annotations[TLS_ANNOTATION]);
  if (refused.length > 0) log.warn({reason: refused.join(', ')}, `names in ${TLS_ANNOTATION} refused`);
  return names;
}

/** The Services that the annotation asks for; entries that are none, or that nobody can follow, are a warning. */
function wantedServices({facts}: LivePod, api: Context['api'], log: Log): readonly ServiceMapping[] {
  const {mappings, refused} = parseServices(facts.annotations[SERVICES_ANNOTATION]);
  if (refused.length > 0) log.warn({reason: refused.join(', ')}, `entries of ${SERVICES_ANNOTATION} refused`);
  if (mappings.length > 0 && api === undefined) {
    log.warn({reason: `${SERVICES_ANNOTATION} needs the Kubernetes API`}, 'services cannot be followed');
  }
  return mappings;
}
