import {within} from '../../ports/clock.ts';
import type {Store} from '../store.ts';
import {AWAY_MS, type EtcdKeeping, type EtcdPorts, keepByEtcd} from './keep.ts';

export interface EtcdStore extends Store {
  /** Another replica fell silent: what it heard last may not have reached etcd. */
  lostReplica(): void;
}

/** The store that several replicas share (docs/replicas.md). Does no I/O until it keeps a table. */
export function createEtcdStore(ports: EtcdPorts): EtcdStore {
  const {clock} = ports;
  const startedMs = clock.nowMs();
  let keeper: EtcdKeeping | undefined;
  const silentMs = () => clock.nowMs() - Math.max(startedMs, keeper?.linkedMs() ?? startedMs);
  const healthy = () => keeper?.isLinked() === true && silentMs() < AWAY_MS;
  return {
    kind: 'etcd',
    healthy,
    awayMs: () => (healthy() ? 0 : silentMs()),
    refusal() {
      return silentMs() < AWAY_MS ? undefined : 'etcd is away: recorded here, but tell another replica as well';
    },
    async loaded(limitMs) {
      if (keeper !== undefined) await within(clock, limitMs, keeper.loaded);
    },
    remembers: () => keeper?.remembers() === true,
    keep(keepPorts) {
      keeper = keepByEtcd(ports, keepPorts);
      return keeper;
    },
    lostReplica: () => keeper?.lostReplica(),
  };
}
