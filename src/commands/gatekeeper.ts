import type {VerifySettings} from '../config/config.ts';
import {createThrottle} from '../http/throttle.ts';
import type {Api} from '../kubernetes/api.ts';
import {openPodDirectory} from '../kubernetes/pod-directory.ts';
import type {VerifyStatus} from '../kubernetes/status.ts';
import type {Ping} from '../members/member.ts';
import type {Registry} from '../members/registry.ts';
import type {TokenFile} from '../members/token-file.ts';
import {createVerifier, type Presented, type Verification} from '../members/verify.ts';
import type {Clock} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';

/** Pods come and go in crowds: members are looked over once for a crowd. */
const EVICTION_DELAY_MS = 50;

const LOG = {periodMs: 60_000, maxKeys: 1000} as const;

export interface GatekeeperPorts {
  readonly settings: VerifySettings;
  readonly api: Api | undefined;
  readonly tokenFile: TokenFile | undefined;
  readonly registry: Pick<Registry, 'find' | 'evict'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who may ping, and who of those that did must leave because its pod is gone. */
export interface Gatekeeper {
  verify(ping: Ping, by: Presented): Verification;
  readonly status: VerifyStatus;
  close(): void;
}

export function openGatekeeper({settings, api, tokenFile, registry, clock, log}: GatekeeperPorts): Gatekeeper {
  const mayLog = createThrottle({clock, ...LOG});
  let cancel = () => {};
  let isDue = false;

  const evict = () => {
    isDue = false;
    registry.evict(member => {
      const credence = directory?.believe({...member, down: false});
      return credence?.is === 'unreal' ? credence.reason : undefined;
    });
  };

  const directory =
    settings.namespaces === undefined || api === undefined
      ? undefined
      : openPodDirectory(settings.namespaces, {
          api,
          clock,
          log,
          onChange() {
            if (isDue) return;
            isDue = true;
            cancel = clock.after(EVICTION_DELAY_MS, evict);
          },
        });

  /** While the API has nothing to say, a pod that was verified before stays welcome. */
  const believe = (ping: Ping) => {
    const credence = directory?.believe(ping) ?? {is: 'real'};
    const member = credence.is === 'unknown' ? registry.find(ping.ip) : undefined;
    return member?.id === ping.id && member.app === ping.app ? ({is: 'real'} as const) : credence;
  };

  const verify = createVerifier({
    source: settings.source,
    believe: directory && believe,
    tokens: tokenFile && (() => tokenFile.tokens),
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
        source: settings.source,
        token: tokenFile !== undefined,
        pods: directory === undefined ? null : {known: directory.size, watches: directory.status},
      };
    },
    close() {
      cancel();
      directory?.close();
    },
  };
}
