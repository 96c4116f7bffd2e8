import {digestHosts} from '../members/hosts.ts';
import type {Hosts} from '../members/member.ts';
import {deriveProblems, MAX_QUARANTINED, type Seen} from './problems.ts';
import type {LastPass, Problem, ProxyLine, ReloadLine, ReplicaLine, StatedProblem, Status} from './status-types.ts';

/** What the rooms know of themselves, as they know it. */
export interface StatusParts
  extends Pick<
    Status,
    | 'version'
    | 'ready'
    | 'inSync'
    | 'lastError'
    | 'memberCount'
    | 'ttlMs'
    | 'store'
    | 'guard'
    | 'zerorpc'
    | 'notJudged'
    | 'logLevel'
    | 'kubernetes'
  > {
  readonly mode: {readonly master: boolean; readonly slave: boolean};
  /** Monotonic, as `startedMs`. */
  readonly nowMs: number;
  readonly startedMs: number;
  readonly lifecycle: {
    readonly state: {readonly tag: string; readonly sinceMs: number};
    readonly lastFault: string | null;
  };
  readonly hosts: Hosts;
  readonly replicas: Status['fleet'] | undefined;
  readonly proxy: Omit<ProxyLine, 'version' | 'draining'> & {
    readonly draining: readonly Omit<ProxyLine['draining'][number], 'connections' | 'endsInMs'>[];
  };
  readonly drains: {
    /** One that drains is ended after so long; 0: never. */
    readonly maxAgeMs: number;
    readonly connectionsOf: (pid: number) => number | undefined;
  };
  readonly haproxy: {readonly text: string};
  readonly reload: Omit<ReloadLine, 'last'>;
  readonly lastPass: LastPass | undefined;
  readonly rollback: Status['rollback'] | undefined;
  readonly drift: Status['drift'];
  readonly refusal: Status['refused'] | undefined;
  readonly quarantined: Status['quarantined'];
  /** What is known of problems beside all this. */
  readonly seen: Seen;
  /** Adds since when each problem is there. */
  readonly noteProblems: (problems: readonly StatedProblem[]) => readonly Problem[];
  readonly accessLog:
    | {
        readonly port: number;
        readonly counts: Omit<NonNullable<Status['accessLog']>, 'port'>;
      }
    | undefined;
}

/** What a replica wrote down for the others holds more. */
const replicaLine = ({id, version, generation, digest, inSync, startedAt}: ReplicaLine): ReplicaLine => ({
  id,
  version,
  generation,
  digest,
  inSync,
  startedAt,
});

const drainLine = (
  drain: StatusParts['proxy']['draining'][number],
  {maxAgeMs, connectionsOf}: StatusParts['drains'],
): ProxyLine['draining'][number] => ({
  ...drain,
  connections: connectionsOf(drain.pid) ?? null,
  endsInMs: maxAgeMs > 0 ? Math.max(0, maxAgeMs - drain.sinceMs) : null,
});

/** `GET /status`: nobody else puts one together. Pure; `problems` is what its other fields amount to. */
export function buildStatus(parts: StatusParts): Status {
  const {lifecycle, hosts, store, guard, replicas, proxy, reload, accessLog} = parts;
  const rollback = parts.rollback ? {pass: parts.rollback.pass, sinceAt: parts.rollback.sinceAt} : null;
  const status = {
    version: parts.version,
    mode: (['master', 'slave'] as const).filter(role => parts.mode[role]),
    uptimeMs: Math.round(parts.nowMs - parts.startedMs),
    ready: parts.ready,
    inSync: parts.inSync,
    lastError: parts.lastError,
    lifecycle: {state: lifecycle.state.tag, sinceMs: lifecycle.state.sinceMs, error: lifecycle.lastFault},
    digest: digestHosts(hosts),
    hosts: Object.fromEntries(hosts),
    memberCount: parts.memberCount,
    ttlMs: parts.ttlMs,
    store: {kind: store.kind, healthy: store.healthy},
    guard: {held: guard.held, holds: guard.holds},
    zerorpc: {connections: parts.zerorpc.connections},
    ...(replicas && {fleet: replicas.map(replicaLine)}),
    proxy: {...proxy, version: parts.haproxy.text, draining: proxy.draining.map(one => drainLine(one, parts.drains))},
    reload: {...reload, last: parts.lastPass ?? null},
    kubernetes: parts.kubernetes,
    rollback,
    held: rollback,
    drift: parts.drift,
    refused: parts.refusal ?? null,
    quarantined: parts.quarantined.slice(0, MAX_QUARANTINED),
    notJudged: parts.notJudged,
    logLevel: parts.logLevel,
    accessLog: accessLog === undefined ? null : {port: accessLog.port, ...accessLog.counts},
  };
  return {...status, problems: parts.noteProblems(deriveProblems(status, parts.seen))};
}
