import {type Certificates, openCertificates} from '../../certs/certificates.ts';
import {canSetCertificates} from '../../certs/rotation.ts';
import type {DaemonError} from '../../errors.ts';
import type {Problem} from '../../http/status-types.ts';
import {type EventWriter, openEventWriter} from '../../kubernetes/event-writer.ts';
import {
  eventOfCertificate,
  eventOfDrift,
  eventOfFatal,
  eventOfHang,
  eventOfPass,
  eventOfProblem,
  eventOfQuarantine,
} from '../../kubernetes/pod-events.ts';
import {openServiceEndpoints, type ServiceEndpoints} from '../../kubernetes/service-endpoints.ts';
import type {ServicesStatus} from '../../kubernetes/status.ts';
import {createSecretFollower} from '../../kubernetes/tls-secrets.ts';
import type {PassEnd, PassRecord} from '../../lifecycle/passes.ts';
import type {Quarantined} from '../../lifecycle/quarantine.ts';
import type {Hosts} from '../../members/member.ts';
import {systemClock as clock, within} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import {createSource, type OpenSource, type Source} from '../../ports/source.ts';
import {describeDeviation} from '../../proxy/deviation.ts';
import type {Drift} from '../../proxy/drift-watch.ts';
import {ask} from '../../proxy/runtime.ts';
import type {Hang} from '../../reload/liveness.ts';
import type {TemplateVariables} from '../../template/input.ts';
import {wantedCertificates, wantedServices} from './annotations.ts';
import type {Context} from './context.ts';
import {RUNTIME_LIMIT_MS} from './generations.ts';
import type {Ground} from './ground.ts';

/** A start waits this long for what the cluster says of its certificates and Services. */
const FIRST_WORD_MS = 5000;
/** The end waits this long for events that tell why. */
const LAST_WORD_MS = 2000;

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
  /** The same with all that is known of each, for templates. */
  serviceEndpoints(): TemplateVariables['services'];
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

/** What it is opened with. */
export interface ClusterContext extends Pick<Context, 'api' | 'room'> {
  readonly config: Pick<Context['config'], 'dataFolder'> & {
    readonly pod: Pick<Context['config']['pod'], 'namespace' | 'id' | 'certs'>;
  };
  readonly pod: Pick<Context['pod'], 'facts'>;
  readonly output: {readonly secrets: Pick<Context['output']['secrets'], 'hide'>};
  readonly ending: Pick<Context['ending'], 'asked' | 'skip'>;
}

interface ClusterState {
  readonly context: ClusterContext;
  readonly changes: OpenSource<ClusterChange>;
  /** None of these without the Kubernetes API. */
  readonly events: EventWriter | undefined;
  readonly services: ServiceEndpoints | undefined;
  failedBefore: boolean;
}

/** Opens what the annotations ask for, and waits a moment for the first word of it; a stop that is asked for ends the wait. */
export async function openCluster(context: ClusterContext, ground: Pick<Ground, 'haproxy'>): Promise<Cluster> {
  const changes = createSource<ClusterChange>();
  const state: ClusterState = {
    context,
    changes,
    events: openEvents(context),
    services: openServices(context, changes),
    failedBefore: false,
  };
  followServices(state);
  const certificates = await openOwnCertificates(state, ground);
  const {ending, pod: live, room} = context;
  const {events, services} = state;
  await within(clock, FIRST_WORD_MS, Promise.all([certificates.tried, services?.tried()]), ending.asked);
  return {
    certificates,
    changes,
    serviceHosts: () => services?.hosts() ?? new Map(),
    serviceEndpoints: () => services?.endpoints() ?? new Map(),
    get services() {
      return {hosts: Object.fromEntries(services?.hosts() ?? []), watch: services?.status ?? null};
    },
    passed(end, served) {
      if (end.record.verdict !== 'failed') void certificates.settle(end.record.verdict === 'ok', served ?? '');
      if (!end.isFallback) tellOfPass(state, end.record);
    },
    quarantined(found) {
      for (const member of found) events?.tell(eventOfQuarantine(member));
    },
    hung: hang => events?.tell(eventOfHang(hang)),
    noteProblem(problem, isOver) {
      const event = eventOfProblem(problem, isOver);
      if (event !== undefined) events?.tell(event);
    },
    failed: error => events?.tell(eventOfFatal(error.message)),
    drifted({count, deviations: [first]}) {
      if (first !== undefined) events?.tell(eventOfDrift(describeDeviation(first), count));
    },
    annotated() {
      certificates.want(wantedCertificates(live, room('kubernetes')));
      followServices(state);
    },
    async [Symbol.asyncDispose]() {
      certificates.close();
      services?.close();
      if (events !== undefined) await within(clock, LAST_WORD_MS, events.settled(), ending.skip);
    },
  };
}

function openEvents({config: {pod}, pod: live, api, room, output}: ClusterContext): EventWriter | undefined {
  if (api === undefined) return undefined;
  const {namespace, id} = pod;
  const ports = {uid: () => live.facts.uid, api, clock, log: room('kubernetes'), hideSecrets: output.secrets.hide};
  return openEventWriter({namespace, id, ...ports});
}

function openServices(
  {config: {dataFolder, pod}, api, room}: ClusterContext,
  changes: OpenSource<ClusterChange>,
): ServiceEndpoints | undefined {
  if (api === undefined) return undefined;
  return openServiceEndpoints({
    namespace: pod.namespace,
    api,
    files,
    path: `${dataFolder}/services.json`,
    clock,
    log: room('kubernetes'),
    onChange: () => changes.tell({urgent: false, cause: 'endpoints of services changed'}),
  });
}

function followServices({services, context: {pod: live, api, room}}: ClusterState): void {
  // Read without the API as well: what nobody can obey is said.
  const wanted = wantedServices(live, api, room('kubernetes'));
  services?.want(wanted);
}

function openOwnCertificates(
  {context, changes, events}: ClusterState,
  {haproxy}: Pick<Ground, 'haproxy'>,
): Promise<Certificates> {
  const {dataFolder, pod} = context.config;
  const {api, room, pod: live} = context;
  const log = room('kubernetes');
  const socket = `${dataFolder}/haproxy.sock`;
  return openCertificates(
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
}

function tellOfPass(state: ClusterState, record: PassRecord): void {
  const event = eventOfPass(record, state.failedBefore);
  state.failedBefore = record.verdict === 'failed';
  if (event !== undefined) state.events?.tell(event);
}
