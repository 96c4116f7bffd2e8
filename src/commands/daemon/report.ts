import {buildStatus} from '../../http/build-status.ts';
import type {PingPolicy} from '../../http/ping-policy.ts';
import {createProblemLog} from '../../http/problem-log.ts';
import type {Status} from '../../http/status-types.ts';
import {describePod, type KubernetesStatus} from '../../kubernetes/status.ts';
import {createAbsence} from '../../members/absence.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import type {Trouble} from '../../proxy/troubles.ts';
import type {ZerorpcGateway} from '../../zerorpc/gateway.ts';
import type {Context} from './context.ts';
import type {EndpointsNeeds} from './endpoints.ts';

/** What the daemon says of itself, gathered anew at each call from whoever knows a part of it. */
export function createReport(
  {config, version, startedMs, pod, output}: Context,
  needs: EndpointsNeeds & {
    readonly policy: PingPolicy;
    readonly gateway: ZerorpcGateway;
    readonly troubles: () => readonly Trouble[];
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

  const absence = createAbsence(clock.epochMs);
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
        troubles: troubles(),
        absent: absence.note(hosts),
        isAnybodyThere: [...hosts.values()].some(({length}) => length > 0),
      },
      noteProblems: problemLog.note,
    });
  };
  return {status, kubernetes};
}
