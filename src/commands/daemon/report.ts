import {buildStatus} from '../../http/build-status.ts';
import type {PingPolicy} from '../../http/ping-policy.ts';
import {createProblemLog} from '../../http/problem-log.ts';
import {createSeenReader} from '../../http/seen.ts';
import type {Status} from '../../http/status-types.ts';
import {describePod, type KubernetesStatus} from '../../kubernetes/status.ts';
import {findRollback} from '../../lifecycle/find-rollback.ts';
import {appsThatLeft} from '../../lifecycle/history.ts';
import {failedPassAt} from '../../lifecycle/readiness.ts';
import {createAbsence} from '../../members/absence.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import type {TroubleNow} from '../../proxy/trouble-watch.ts';
import type {ZerorpcGateway} from '../../zerorpc/gateway.ts';
import type {Context} from './context.ts';
import type {EndpointsNeeds} from './endpoints.ts';

/** What the daemon says of itself, gathered anew at each call from whoever knows a part of it. */
export function createReport(
  {config, version, startedMs, pod, output}: Context,
  needs: EndpointsNeeds & {
    readonly policy: PingPolicy;
    readonly gateway: ZerorpcGateway;
    readonly troubles: () => readonly TroubleNow[] | undefined;
  },
): {readonly status: () => Status; readonly kubernetes: () => KubernetesStatus} {
  const {ground, observation, membership, proxy, cluster, pipeline, policy, gateway, troubles} = needs;
  const {registry, shared} = membership;
  const {generations} = proxy;
  const {lifecycle} = pipeline;

  const kubernetes = (): KubernetesStatus => ({
    pod: describePod(pod, config.pod),
    certificates: cluster.certificates.status(),
    mounted: cluster.certificates.mounted(),
    services: cluster.services,
    verify: policy.status,
  });

  const absence = createAbsence({
    epochMs: clock.epochMs,
    lastThereAt: observation.timelines.lastThereAt,
    earlier: appsThatLeft(observation.history.entries),
  });
  const seen = createSeenReader(clock);
  const problemLog = createProblemLog({
    epochMs: clock.epochMs,
    onChange: cluster.noteProblem,
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
      proxy: generations.status,
      drains: {maxAgeMs: config.drain.maxAgeMs, connectionsOf: needs.proxy.connectionsOf},
      haproxy: ground.haproxy,
      reload: generations.reload,
      lastPass: pipeline.passes.last,
      kubernetes: kubernetes(),
      rollback: observation.rollback.current,
      drift: needs.proxy.drift.drift,
      refusal: refusal && {...refusal, reason: output.secrets.hide(refusal.reason)},
      quarantined: pipeline.quarantine.members,
      notJudged: config.notJudged,
      logLevel: output.opened.level,
      accessLog: observation.accessLog,
      seen: seen({
        hosts,
        absence,
        troubles: troubles(),
        sharedBinds: proxy.sharedBinds.shared,
        text: generations.text,
        isGone: observation.timelines.isGone,
        downSinceMs: generations.downSinceMs,
        failedPassAt: failedPassAt(pipeline.passes.last),
        convergence: pipeline.converger.state,
        store: shared.store,
        canGoBack: findRollback(observation.history, {is: 'last'}).is === 'found',
        silentSince: registry.guard.silentSince,
        unwritten: registry.unwritten,
        historyFault: observation.history.fault,
      }),
      noteProblems: problemLog.note,
    });
  };
  return {status, kubernetes};
}
