import {readFile} from 'node:fs/promises';
import {listen} from '../../http/listen.ts';
import {createMaster, masterConnections} from '../../http/master.ts';
import {openPingPolicy, type PingPolicy} from '../../http/ping-policy.ts';
import {createReceiver} from '../../http/receive.ts';
import type {ScriptPorts} from '../../http/script.ts';
import {openPodDirectory} from '../../kubernetes/pod-directory.ts';
import {createControl} from '../../lifecycle/control.ts';
import {openControlSocket} from '../../lifecycle/control-socket.ts';
import type {PassRecord} from '../../lifecycle/passes.ts';
import {canonicalIp} from '../../members/address.ts';
import {createPingParser} from '../../members/ping.ts';
import {createAddressRule} from '../../members/special-addresses.ts';
import {openTokenFile, type TokenFile} from '../../members/token-file.ts';
import {createMetrics, type Metrics} from '../../metrics/metrics.ts';
import {openStatsd, type Statsd} from '../../metrics/statsd.ts';
import {captureGroup} from '../../ports/capture.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {affordableConnections} from '../../ports/descriptors.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {ZerorpcGateway} from '../../zerorpc/gateway.ts';
import {ZMTP_FIRST_BYTE} from '../../zerorpc/zmtp.ts';
import type {Context} from './context.ts';
import type {Pipeline, PipelineNeeds} from './pipeline.ts';
import {openStatusPort} from './status-port.ts';
import {openZerorpc} from './zerorpc.ts';

/** Where the daemon is spoken to: the control socket, the master endpoint and the status port, all listening. */
export interface Endpoints extends AsyncDisposable {
  /** As they were bound. */
  readonly ports: {readonly port: number; readonly statusPort: number};
  /** The tokens of pings; undefined where none is needed. */
  readonly tokenFile: TokenFile | undefined;
  /** Counts a pass that ended. */
  passed(record: PassRecord): void;
  /** Something just happened: those who listen to the status port's events hear of it soon. */
  poke(): void;
}

export type EndpointsNeeds = PipelineNeeds & {readonly pipeline: Pipeline};

/** Rejects with LISTEN when an address is taken, with CONFIG when a token cannot be read. */
export async function openEndpoints(context: Context, needs: EndpointsNeeds): Promise<Endpoints> {
  const {config, room, version} = context;
  const {ground, observation, membership, proxy, pipeline} = needs;
  await using opening = new AsyncDisposableStack();
  const statsd = config.statsd && openStatsd(config.statsd, clock);
  opening.defer(() => statsd?.close());
  const gateway = openZerorpc(context);
  opening.defer(() => gateway.close());
  const metrics = createMetrics({
    version,
    zerorpcConnections: () => gateway.connections,
    hosts: pipeline.hosts,
    memberCount: () => membership.registry.size,
    proxy: () => proxy.generations.status,
    isInSync: pipeline.isInSync,
    isReady: pipeline.isReady,
    isStoreHealthy: membership.shared.store.healthy,
    guard: membership.registry.guard,
    gateShutMs: ground.firewall.shutMs,
    rollback: observation.rollback,
    deviations: () => proxy.drift.drift.count,
    quarantine: pipeline.quarantine,
    accessLog: () => observation.accessLog?.counts,
  });
  const tokenFile = await openPingTokens(context);
  opening.defer(() => tokenFile?.close());
  const policy = openPolicy(context, needs, tokenFile);
  opening.defer(() => policy.close());

  const control = await openControlSocket({
    path: config.socketPath,
    clock,
    log: room('lifecycle'),
    answer: createControl({
      log: room('lifecycle'),
      lifecycle: pipeline.lifecycle,
      terminal: ground.manifest.terminal,
      variables: pipeline.scripts.variables,
      jobs: pipeline.scripts.all,
      hideSecrets: context.output.secrets.hide,
      requestStop: context.ending.ask,
    }),
  });
  opening.defer(() => control.close());
  const app = createMasterApp(context, needs, {policy, gateway, metrics, statsd});
  const master = await listen(app, {
    port: config.port,
    label: 'master endpoint',
    clock,
    maxConnections: affordableConnections(masterConnections(config.maxMembers)),
  });
  opening.defer(() => master.close());
  const status = opening.use(await openStatusPort(context, {...needs, policy, gateway, metrics}));
  const closing = opening.move();
  return {
    ports: {port: master.port, statusPort: status.port},
    tokenFile,
    passed(record) {
      metrics.countPass(record);
      statsd?.countPass(record);
    },
    poke: status.poke,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** The shared tokens of pings, followed; undefined where none are configured. Rejects with CONFIG. */
export async function openPingTokens({config, room}: Pick<Context, 'config' | 'room'>): Promise<TokenFile | undefined> {
  const {tokenFile} = config.verify;
  return tokenFile === undefined ? undefined : openTokenFile(tokenFile, {files, clock, log: room('http')});
}

function openPolicy({config, api, room}: Context, {membership}: EndpointsNeeds, tokenFile?: TokenFile): PingPolicy {
  const {source, namespaces} = config.verify;
  const log = room('http');
  const directory =
    namespaces === undefined || api === undefined ? undefined : openPodDirectory(namespaces, {api, clock, log});
  const {registry} = membership;
  return openPingPolicy({source, directory, tokens: tokenFile && (() => tokenFile.tokens), registry, clock, log});
}

/** The master endpoint, not yet listening. */
function createMasterApp(
  {config, room}: Context,
  {membership, pipeline}: EndpointsNeeds,
  {
    policy,
    gateway,
    metrics,
    statsd,
  }: {
    readonly policy: PingPolicy;
    readonly gateway: ZerorpcGateway;
    readonly metrics: Metrics;
    readonly statsd: Statsd | undefined;
  },
) {
  const {registry, shared} = membership;
  const {script, self, memberRanges} = config;
  const refuseAddress = createAddressRule(memberRanges, self.ip && canonicalIp(self.ip));
  const count: Metrics['countPing'] = (result, protocol) => {
    metrics.countPing(result, protocol);
    statsd?.countPing(result);
  };
  const scriptPorts: ScriptPorts | undefined = script && {
    capture: captureGroup,
    clock,
    log: room('http'),
    env: pipeline.scripts.env,
    loadToken: () => readFile(script.tokenFile, 'utf8'),
  };
  const receiverOf = (protocol: 'http' | 'zerorpc') =>
    createReceiver({
      parse: createPingParser(refuseAddress),
      verify: policy.verify,
      record: registry.record,
      refusal: shared.store.refusal,
      count: result => count(result, protocol),
    });
  const receiveCall = receiverOf('zerorpc');
  return createMaster({
    receive: receiverOf('http'),
    zerorpc: {
      firstByte: ZMTP_FIRST_BYTE,
      take: socket => gateway.take(socket, receiveCall),
      close: gateway.close,
    },
    appliedHosts: () => pipeline.passes.applied?.input.variables.hosts,
    script: scriptPorts,
    clock,
    log: room('http'),
  });
}
