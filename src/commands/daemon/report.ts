import {buildStatus} from '../../http/build-status.ts';
import type {PingPolicy} from '../../http/ping-policy.ts';
import {createProblemLog} from '../../http/problem-log.ts';
import type {Status} from '../../http/status-types.ts';
import {describePod, type KubernetesStatus} from '../../kubernetes/status.ts';
import type {Convergence} from '../../lifecycle/convergence.ts';
import {createAbsence} from '../../members/absence.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {findOrphanedBackends} from '../../proxy/orphaned-backends.ts';
import type {TroubleNow} from '../../proxy/trouble-watch.ts';
import type {ZerorpcGateway} from '../../zerorpc/gateway.ts';
import type {Context} from './context.ts';
import type {EndpointsNeeds} from './endpoints.ts';
import type {Observation} from './observation.ts';

/** What the daemon says of itself, gathered anew at each call from whoever knows a part of it. */
export function createReport(
  {config, version, startedMs, pod, output}: Context,
  needs: EndpointsNeeds & {
    readonly policy: PingPolicy;
    readonly gateway: ZerorpcGateway;
    readonly troubles: () => readonly TroubleNow[];
  },
): {readonly status: () => Status; readonly kubernetes: () => KubernetesStatus} {
  const {ground, observation, membership, proxy, cluster, pipeline, policy, gateway, troubles} = needs;
  const {registry, shared} = membership;
  const {generations} = proxy;
  const {lifecycle} = pipeline;

  const kubernetes = (): KubernetesStatus => ({
    pod: describePod(pod, config.pod),
    certificates: cluster.certificates.status(),
    services: cluster.services,
    verify: policy.status,
  });

  const absence = createAbsence({epochMs: clock.epochMs, lastThereAt: observation.timelines.lastThereAt});
  const sinceFailing = rememberFirst();
  const problemLog = createProblemLog({
    epochMs: clock.epochMs,
    onAppeared: problem => cluster.noteProblem(problem, false),
    onSolved: problem => cluster.noteProblem(problem, true),
  });

  const describeDrain = (drain: {readonly pid: number; readonly generation: number; readonly sinceMs: number}) => ({
    ...drain,
    connections: needs.proxy.connectionsOf(drain.pid) ?? null,
    endsInMs: config.drain.maxAgeMs > 0 ? Math.max(0, config.drain.maxAgeMs - drain.sinceMs) : null,
  });

  const status = (): Status => {
    const hosts = pipeline.hosts();
    const refusal = pipeline.refusal();
    const absent = absence.note(hosts);
    return buildStatus({
      version,
      mode: config.mode,
      nowMs: clock.nowMs(),
      startedMs,
      ready: pipeline.isReady(),
      inSync: pipeline.isInSync(),
      lastError: pipeline.lastError(),
      lifecycle: {state: lifecycle.state, lastFault: lifecycle.lastFault && output.secrets.hide(lifecycle.lastFault)},
      hosts,
      memberCount: registry.size,
      ttlMs: config.ttlMs,
      store: {kind: shared.store.kind, healthy: shared.store.healthy()},
      guard: registry.guard,
      zerorpc: gateway,
      replicas: shared.replicas,
      proxy: {...generations.status, draining: generations.status.draining.map(describeDrain)},
      haproxy: ground.haproxy,
      reload: generations.reload,
      lastPass: pipeline.passes.last,
      kubernetes: kubernetes(),
      rollback: observation.rollback.current,
      drift: needs.proxy.drift.drift,
      refusal: refusal && {...refusal, reason: output.secrets.hide(refusal.reason)},
      quarantined: pipeline.quarantine.members,
      logLevel: output.opened.level,
      accessLog: observation.accessLog,
      seen: {
        nowAt: clock.epochMs(),
        troubles: withoutOrphans(troubles(), absent.length > 0 ? generations.text : undefined, observation.timelines),
        absent,
        isAnybodyThere: [...hosts.values()].some(({length}) => length > 0),
        began: {
          down: epochOf(generations.downSinceMs),
          failing: sinceFailing(pipeline.lastError() === null ? undefined : pipeline.passes.last?.startedAt),
          change: epochOf(changedMs(pipeline.converger.state)),
          storeAway: shared.store.healthy() ? null : clock.epochMs() - shared.store.awayMs(),
          silence: registry.guard.silentSince ?? null,
        },
      },
      noteProblems: problemLog.note,
    });
  };
  return {status, kubernetes};
}

const epochOf = (monotonicMs: number | undefined): number | null =>
  monotonicMs === undefined ? null : Math.round(clock.epochMs() - (clock.nowMs() - monotonicMs));

/** When the first of the changes came that wait. */
const changedMs = ({damper}: Convergence): number | undefined =>
  damper.is === 'waiting' ? damper.firstAtMs : undefined;

/** The first of the values in a row. */
function rememberFirst(): (value: number | undefined) => number | null {
  let first: number | undefined;
  return value => {
    first = value === undefined ? undefined : (first ?? value);
    return first ?? null;
  };
}

/** That pods left is one fault: their backends, whose servers go with the next pass, are not told of beside it. */
function withoutOrphans(
  troubles: readonly TroubleNow[],
  text: string | undefined,
  timelines: Observation['timelines'],
): readonly TroubleNow[] {
  if (text === undefined || troubles.every(({is}) => is !== 'down')) return troubles;
  const orphaned = findOrphanedBackends(text, ip => timelines.of(ip)?.gone === true);
  return troubles.filter(trouble => trouble.is !== 'down' || !orphaned.has(trouble.name));
}
