import type {Ping} from '../members/member.ts';
import type {Registry} from '../members/registry.ts';
import {type Credence, createVerifier, type Presented, type Verification} from '../members/verify.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import type {Source} from '../ports/source.ts';
import type {KubernetesLine, WatchLine} from './status-types.ts';
import {createThrottle} from './throttle.ts';

/** Pods come and go in crowds: members are looked over once for a crowd. */
const EVICTION_DELAY_MS = 50;

const LOG = {periodMs: 60_000, maxKeys: 1000} as const;

/** The pods that the cluster has, in memory. */
export interface KnownPods {
  believe(claim: Pick<Ping, 'id' | 'ip' | 'app' | 'down'>): Credence;
  /** Something was told: members that are no longer real can be sent off. */
  readonly changes: Source<void>;
  readonly size: number;
  readonly status: readonly WatchLine[];
}

export interface PingPolicyPorts {
  /** Whether the connection's address must be the reported one. */
  readonly source: boolean;
  /** The cluster's pods; undefined where pings are not looked up. */
  readonly directory: KnownPods | undefined;
  /** The tokens that are good now; undefined where none is needed. */
  readonly tokens: (() => readonly string[]) | undefined;
  readonly registry: Pick<Registry, 'find' | 'evict'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who may ping, and who of those that did must leave because its pod is gone. */
export interface PingPolicy {
  verify(ping: Ping, by: Presented): Verification;
  readonly status: KubernetesLine['verify'];
  close(): void;
}

export function openPingPolicy({source, directory, tokens, registry, clock, log}: PingPolicyPorts): PingPolicy {
  const mayLog = createThrottle({clock, ...LOG});
  const stopEvicting = directory === undefined ? () => {} : evictUnreal(directory, registry, clock);

  /** While the API has nothing to say, a pod that was verified before stays welcome. */
  const believe = (known: KnownPods, ping: Ping): Credence => {
    const credence = known.believe(ping);
    const member = credence.is === 'unknown' ? registry.find(ping.ip) : undefined;
    return member?.id === ping.id && member.app === ping.app ? {is: 'real'} : credence;
  };

  const verify = createVerifier({
    source,
    believe: directory && (ping => believe(directory, ping)),
    tokens,
  });

  return {
    verify(ping, by) {
      const verification = verify(ping, by);
      if (verification.is !== 'allowed' && mayLog(by.remoteAddress)) {
        const {app, id: member, ip} = ping;
        log.warn({app, member, ip, remoteAddress: by.remoteAddress, reason: verification.reason}, 'ping not allowed');
      }
      return verification;
    },
    get status() {
      return {
        source,
        token: tokens !== undefined,
        pods: directory === undefined ? null : {known: directory.size, watches: directory.status},
      };
    },
    close: stopEvicting,
  };
}

/** Sends members off whose pods the cluster no longer has; the returned function ends that. */
function evictUnreal(directory: KnownPods, registry: Pick<Registry, 'evict'>, clock: Clock): () => void {
  let cancel: (() => void) | undefined;
  const evict = () => {
    cancel = undefined;
    registry.evict(member => {
      const credence = directory.believe({...member, down: false});
      return credence.is === 'unreal' ? credence.reason : undefined;
    });
  };
  directory.changes.follow(() => {
    cancel ??= clock.after(EVICTION_DELAY_MS, evict);
  });
  return () => cancel?.();
}
