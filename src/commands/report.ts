import type {Config} from '../config/config.ts';
import type {Lifecycle} from '../lifecycle/lifecycle.ts';
import type {Passes} from '../lifecycle/passes.ts';
import type {Hosts} from '../members/member.ts';
import type {Registry} from '../members/registry.ts';
import {systemClock as clock} from '../ports/clock.ts';
import type {Version} from '../proxy/version.ts';
import type {Generations} from '../reload/generations.ts';
import type {Observed} from './observation.ts';
import type {OpenStore} from './open-store.ts';
import type {Standing} from './standing.ts';

type Report = ReturnType<Observed['status']>;

/** Whoever knows a part of `GET /status`. */
export interface ReportSources {
  readonly version: string;
  readonly config: Pick<Config, 'mode' | 'ttlMs'>;
  /** Monotonic. */
  readonly startedMs: number;
  readonly haproxy: Version;
  readonly hosts: () => Hosts;
  readonly registry: Pick<Registry, 'size' | 'guard'>;
  readonly shared: Pick<OpenStore, 'store' | 'replicas'>;
  readonly proxy: Pick<Generations, 'status' | 'reload'>;
  readonly passes: Pick<Passes, 'last'>;
  readonly lifecycle: Pick<Lifecycle, 'state' | 'lastFault'>;
  readonly standing: Standing;
  readonly kubernetes: () => Report['kubernetes'];
}

/** What the rooms know of themselves, anew at each call. */
export const createReport =
  ({config, startedMs, haproxy, hosts, registry, shared, proxy, passes, lifecycle, standing, ...rest}: ReportSources) =>
  (): Report => ({
    version: rest.version,
    mode: config.mode,
    nowMs: clock.nowMs(),
    startedMs,
    ready: standing.isReady(),
    inSync: standing.isInSync(),
    lastError: standing.lastError(),
    lifecycle,
    hosts: hosts(),
    memberCount: registry.size,
    ttlMs: config.ttlMs,
    store: {kind: shared.store.kind, healthy: shared.store.healthy()},
    guard: registry.guard,
    replicas: shared.replicas,
    proxy: proxy.status,
    haproxy,
    reload: proxy.reload,
    lastPass: passes.last,
    kubernetes: rest.kubernetes(),
  });
