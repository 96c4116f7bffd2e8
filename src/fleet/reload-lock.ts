import {reasonOf} from '../errors.ts';
import {EtcdFault} from '../etcd/fault.ts';
import type {Gateway} from '../etcd/gateway.ts';
import {batchRequest, parseBatch} from '../etcd/wire.ts';
import {type Clock, pause, sleep} from '../ports/clock.ts';
import type {Log} from '../ports/log.ts';
import {isLossless, type ReloadWay} from '../reload/ways.ts';
import type {FleetPorts} from './fleet.ts';

/** Who dies while it holds the lock blocks the others for no longer than this. */
const LEASE_MS = 10_000;
const RENEW_MS = 3000;
const POLL_MS = 150;

/** Nobody waits longer than this: a late reload is worse than two at once. */
const MAX_WAIT_MS = 30_000;

export interface ReloadLockPorts {
  readonly gateway: Pick<Gateway, 'ask' | 'askEach' | 'listen'>;
  /** All that are there, this one included: it does not wait for itself. */
  readonly replicas: () => readonly unknown[];
  readonly leases: FleetPorts['leases'];
  readonly key: string;
  readonly id: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What etcd does not do ends by itself, with the lease. */
function onlyAway(error: unknown): void {
  if (!(error instanceof EtcdFault)) throw error;
}

/** What one replica at a time holds. */
export interface ReloadLock {
  /**
   * Does `work` when no other replica does its own; at once where that cannot be found out. Its result, or fault; the
   * reason of `signal` where that aborts before its turn has come.
   */
  hold<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** A lease-backed lock in etcd. It orders reloads, and is never a reason not to reload. */
export function openReloadLock({gateway, replicas, leases, key, id, clock, log}: ReloadLockPorts): ReloadLock {
  const acquire = async (signal: AbortSignal | undefined): Promise<string | undefined> => {
    const startedMs = clock.nowMs();
    const lease = await leases.grant(gateway, LEASE_MS);
    for (;;) {
      const [answer] = parseBatch(await gateway.ask('/kv/txn', batchRequest([{key, value: id, upon: 0, lease}])));
      if (answer?.is === 'written' || answer?.current?.lease === lease) return lease;
      if (clock.nowMs() - startedMs > MAX_WAIT_MS) {
        log.warn({member: answer?.current?.value, durationMs: MAX_WAIT_MS}, 'waited too long for a turn to reload');
        await leases.revoke(gateway, lease);
        return undefined;
      }
      await sleep(clock, POLL_MS * (0.5 + Math.random()), signal);
      if (!(await leases.renew(gateway, lease))) return undefined;
    }
  };

  const keep = async (lease: string, ended: AbortSignal): Promise<void> => {
    while (!ended.aborted) {
      await pause(clock, RENEW_MS, ended);
      if (!ended.aborted) await leases.renew(gateway, lease).catch(onlyAway);
    }
  };

  return {
    async hold(work, signal) {
      if (replicas().length < 2) return await work();
      const lease = await acquire(signal).catch(err => {
        signal?.throwIfAborted();
        onlyAway(err);
        log.warn({reason: reasonOf(err)}, 'etcd cannot say whose turn to reload it is: reloading now');
        return undefined;
      });
      if (lease === undefined) return await work();
      const ended = new AbortController();
      void keep(lease, ended.signal);
      try {
        return await work();
      } finally {
        ended.abort(new Error('the lock is given back'));
        await leases.revoke(gateway, lease).catch(onlyAway);
      }
    },
  };
}

/** What of the proxy has to wait for the lock. */
interface Applying<Candidate, Options, Applied> {
  readonly text: string | undefined;
  readonly reload: {readonly way: ReloadWay};
  apply(candidate: Candidate, options?: Options): Promise<Applied>;
}

/** The `apply` of a proxy, under the lock where its way loses connections. A lossless one, and a first start, need none. */
export const applyLocked =
  <Candidate, Options extends {readonly signal?: AbortSignal}, Applied>(
    proxy: Applying<Candidate, Options, Applied>,
    lock: ReloadLock,
  ) =>
  (candidate: Candidate, options?: Options): Promise<Applied> =>
    proxy.text !== undefined && !isLossless(proxy.reload.way)
      ? lock.hold(() => proxy.apply(candidate, options), options?.signal)
      : proxy.apply(candidate, options);
