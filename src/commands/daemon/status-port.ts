import {serveDashboard} from '../../dashboard/serve.ts';
import {hidePayloads, joinMembers} from '../../http/joined-members.ts';
import {type Listening, listen} from '../../http/listen.ts';
import {openLiveFeed} from '../../http/live.ts';
import type {Pass, TrafficLook} from '../../http/page-types.ts';
import type {PingPolicy} from '../../http/ping-policy.ts';
import {createStatus} from '../../http/status.ts';
import {partingsOf} from '../../lifecycle/history.ts';
import {textAs} from '../../lifecycle/history-file.ts';
import type {Json} from '../../members/member.ts';
import {openHaproxyScrape} from '../../metrics/haproxy-scrape.ts';
import {createKubernetesMetrics} from '../../metrics/kubernetes-metrics.ts';
import type {Metrics} from '../../metrics/metrics.ts';
import {encodeProblems} from '../../metrics/problem-metrics.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {affordableConnections} from '../../ports/descriptors.ts';
import {stepByStep} from '../../ports/event-loop.ts';
import {parseInfo} from '../../proxy/answers.ts';
import {findEmptied} from '../../proxy/emptied-backends.ts';
import {findMeantErrors} from '../../proxy/meant-errors.ts';
import {hideNamedSecrets} from '../../proxy/named-secrets.ts';
import {createServerReading, type ServerReading} from '../../proxy/server-reading.ts';
import type {ServersByIp} from '../../proxy/server-view.ts';
import {openTrafficSampler, type TrafficPorts, type TrafficSampler} from '../../proxy/traffic-sampler.ts';
import {createTroubleWatch, type TroubleWatch} from '../../proxy/trouble-watch.ts';
import type {ZerorpcGateway} from '../../zerorpc/gateway.ts';
import type {Context} from './context.ts';
import type {EndpointsNeeds} from './endpoints.ts';
import {createActions} from './operator-actions.ts';
import {createReport} from './report.ts';

/** Frontends (1) and backends (2) of all proxies: management.txt 9.3, "show stat". */
const TRAFFIC_COMMAND = 'show stat -1 3 -1';

/** Servers (4). */
const SERVERS_COMMAND = 'show stat -1 4 -1';

/** Probes, Prometheus, 64 who listen to events, and people. */
export const MAX_STATUS_CONNECTIONS = 512;

/** What operators look at, listening. */
export interface StatusPort extends Listening, AsyncDisposable {
  /** Something just happened: those who listen hear of it soon. */
  poke(): void;
}

export async function openStatusPort(
  context: Context,
  needs: EndpointsNeeds & {readonly policy: PingPolicy; readonly gateway: ZerorpcGateway; readonly metrics: Metrics},
): Promise<StatusPort> {
  const {config, room, output} = context;
  const {observation, membership, proxy, pipeline} = needs;
  const {history, timelines, stream, loadToken} = observation;
  const {members} = membership.registry;
  const join = (seen: ServersByIp | undefined) =>
    joinMembers(members(), pipeline.hosts(), seen, pipeline.quarantine.members);
  const {generations} = proxy;
  const hidePayload = (payload: Json) => output.secrets.hideInValue(hideNamedSecrets(payload));
  const troubleWatch = createTroubleWatch({
    clock,
    bound: config.errorBound,
    peopled: await loadEmptied(history),
    meant: () => findMeantErrors(generations.text, [...config.errorBound.meant, ...config.notJudged]),
    notJudged: new Set(config.notJudged),
  });
  const {status, kubernetes} = createReport(context, {...needs, troubles: () => troubleWatch.troubles});
  await using opening = new AsyncDisposableStack();

  const sampler = openSampler(context, needs, troubleWatch, answers => {
    troubleWatch.note(answers);
    // Problems come and go, whether anybody asks for them or not.
    status();
  });
  opening.defer(() => sampler.close());
  const servers = openServers(context, needs);
  const live = openLiveFeed({
    clock,
    stream,
    status,
    members: () => join(servers.latest),
    refresh: () => void servers.read(),
  });
  opening.defer(() => live.close());
  const app = createStatus({
    status,
    members: async () => stepByStep(hidePayloads(join(await servers.read()), hidePayload)),
    timeline: timelines.find,
    departures: timelines.departures,
    traffic: () => sampler.traffic,
    configuration: as => textAs(generations.text, as),
    history,
    isReady: pipeline.isReady,
    metrics: openExposition(context, needs, {status, kubernetes}),
    events: stream,
    greeting: live.greeting,
    recent: output.recent,
    actions: createStatusActions(context, needs, () => troubleWatch.isByHandPerhaps),
    loadToken,
    hideSecrets: output.secrets.hide,
    serveDashboard,
    hostNames: [config.self.id.toLowerCase(), ...config.statusHosts],
    clock,
    log: room('http'),
  });
  history.added.follow(entry => {
    stream.publish({name: 'pass', value: entry satisfies Pass});
    live.poke();
  });
  const listening = await listen(app, {
    port: config.statusPort,
    label: 'status port',
    clock,
    maxConnections: affordableConnections(MAX_STATUS_CONNECTIONS),
  });
  opening.defer(() => listening.close());
  const closing = opening.move();
  return {...listening, poke: live.poke, [Symbol.asyncDispose]: () => closing.disposeAsync()};
}

const openServers = ({room, output}: Context, {proxy}: EndpointsNeeds): ServerReading =>
  createServerReading({
    clock,
    log: room('proxy'),
    readRows: () => proxy.readRows(SERVERS_COMMAND),
    hideSecrets: output.secrets.hide,
  });

/** All metrics as Prometheus reads them: of the daemon, its problems, the cluster and HAProxy. */
function openExposition(
  {room}: Context,
  {proxy, metrics}: EndpointsNeeds & {readonly metrics: Metrics},
  {status, kubernetes}: ReturnType<typeof createReport>,
): () => ReturnType<Metrics['read']> {
  const kubernetesMetrics = createKubernetesMetrics(kubernetes);
  const scrape = openHaproxyScrape({
    readInfo: async () => parseInfo(await proxy.ask('show info')),
    readRows: () => proxy.readRows('show stat'),
    log: room('metrics'),
  });
  return async () => {
    const [{type, text}, cluster, haproxy] = await Promise.all([metrics.read(), kubernetesMetrics.read(), scrape()]);
    return {type, text: text + encodeProblems(status().problems) + cluster + haproxy};
  };
}

const openSampler = (
  {room}: Context,
  {observation: {stream}, proxy}: EndpointsNeeds,
  {suspects}: Pick<TroubleWatch, 'suspects'>,
  onLook: TrafficPorts['onLook'],
): TrafficSampler =>
  openTrafficSampler({
    clock,
    log: room('proxy'),
    readInfo: async () => parseInfo(await proxy.ask('show info')),
    readRows: () => proxy.readRows(TRAFFIC_COMMAND),
    async readServers(rows) {
      return (await Promise.all(suspects(rows).map(({iid}) => proxy.readRows(`show stat ${iid} 4 -1`)))).flat();
    },
    onLook,
    deaths: () => proxy.generations.status.restarts,
    onSample: (sample, proxies) => stream.publish({name: 'traffic', value: {sample, proxies} satisfies TrafficLook}),
  });

/** The backends that lost their last server with an app that is not back, as an earlier daemon's passes tell. */
async function loadEmptied({entries, configuration}: EndpointsNeeds['observation']['history']): Promise<Set<string>> {
  const emptied = new Set<string>();
  for (const {before, after} of partingsOf(entries)) {
    const [had, has] = [await configuration(before, 'revealed'), await configuration(after, 'revealed')];
    if (had === undefined || has === undefined) continue;
    for (const name of findEmptied(had, has)) emptied.add(name);
  }
  return emptied;
}

/** What operators may change over HTTP. */
const createStatusActions = (
  {output}: Context,
  {observation, proxy, pipeline}: EndpointsNeeds,
  isByHandPerhaps: () => boolean,
) =>
  createActions({
    history: observation.history,
    rollback: observation.rollback,
    demand: pipeline.converger.demand,
    setLogLevel: output.opened.setLevel,
    tryOut: pipeline.tryOut,
    quarantined: () => pipeline.quarantine.members,
    refusal: () => pipeline.refusal()?.reason,
    examine: pipeline.examine,
    loadTemplate: pipeline.templateText.load,
    served: () => proxy.generations.text,
    hideSecrets: output.secrets.hide,
    drift: () => proxy.drift.drift,
    isByHandPerhaps,
    doubt: proxy.generations.doubt,
  });
