import type {Credence, PodDirectory} from '../kubernetes/pod-directory.ts';
import type {VerifyStatus} from '../kubernetes/status.ts';
import type {Ping} from '../members/member.ts';
import type {Registry} from '../members/registry.ts';
import {createVerifier, type Presented, type Verification} from '../members/verify.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {createThrottle} from './throttle.ts';

/** Pods come and go in crowds: members are looked over once for a crowd. */
const EVICTION_DELAY_MS = 50;

const LOG = {periodMs: 60_000, maxKeys: 1000} as const;

export interface PingPolicyPorts {
  /** Whether the connection's address must be the reported one. */
  readonly source: boolean;
  /** The cluster's pods; undefined where pings are not looked up. */
  readonly directory: PodDirectory | undefined;
  /** The tokens that are good now; undefined where none is needed. */
  readonly tokens: (() => readonly string[]) | undefined;
  readonly registry: Pick<Registry, 'find' | 'evict'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who may ping, and who of those that did must leave because its pod is gone. */
export interface PingPolicy {
  verify(ping: Ping, by: Presented): Verification;
  readonly status: VerifyStatus;
  close(): void;
}

export function openPingPolicy({source, directory, tokens, registry, clock, log}: PingPolicyPorts): PingPolicy {
  const mayLog = createThrottle({clock, ...LOG});
  const stopEvicting = directory === undefined ? () => {} : evictUnreal(directory, registry, clock);

  /** While the API has nothing to say, a pod that was verified before stays welcome. */
  const believe = (known: PodDirectory, ping: Ping): Credence => {
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
function evictUnreal(directory: PodDirectory, registry: Pick<Registry, 'evict'>, clock: Clock): () => void {
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
