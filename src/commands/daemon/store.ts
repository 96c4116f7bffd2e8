import {randomBytes} from 'node:crypto';
import type {Config} from '../../config/config.ts';
import type {EtcdSettings} from '../../config/etcd.ts';
import {followPrefix} from '../../etcd/follow.ts';
import {openGateway} from '../../etcd/gateway.ts';
import {grantLease, renewLease, revokeLease} from '../../etcd/lease.ts';
import {loadSecrets} from '../../etcd/secrets.ts';
import {openTransport} from '../../etcd/transport.ts';
import {deriveConfirmMs, openFleet} from '../../fleet/fleet.ts';
import type {ReplicaRecord, ReplicaState} from '../../fleet/record.ts';
import {openReloadLock, type ReloadLock} from '../../fleet/reload-lock.ts';
import {openSharedTemplate, type SharedTemplate} from '../../fleet/shared-template.ts';
import {openSharedText, type SharedText} from '../../fleet/shared-text.ts';
import {NOBODY} from '../../lifecycle/shared-quarantine.ts';
import {createEmbeddedStore} from '../../members/embedded-store.ts';
import {createEtcdStore} from '../../members/etcd/etcd-store.ts';
import {keysOf} from '../../members/etcd/keys.ts';
import type {Guard} from '../../members/guard.ts';
import {isForeign} from '../../members/snapshot.ts';
import type {RestoredSnapshot} from '../../members/snapshot-file.ts';
import type {Store} from '../../members/store.ts';
import {systemClock as clock} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {Log} from '../../ports/log.ts';

/** The membership's store and what else replicas share. */
export interface OpenStore extends ReloadLock {
  readonly store: Store;
  /** Shows this replica to the others from here on; `describe` is read twice a second. */
  join(describe: () => ReplicaState): void;
  /** All replicas, this one included; undefined where there is one only. */
  readonly replicas: readonly ReplicaRecord[] | undefined;
  /** The last template that worked for any of them; undefined where there is one only. */
  readonly template: SharedTemplate | undefined;
  /** What pods in quarantine said when they worked for any of them; undefined where there is one only. */
  readonly quarantine: SharedText | undefined;
  /** Says goodbye; after the store's own end. */
  close(): Promise<void>;
}

/** The settings that a store asks for. */
export type StoreConfig = Pick<Config, 'self' | 'ttlMs' | 'etcd'>;

interface StoreSources {
  readonly config: StoreConfig;
  readonly snapshot: RestoredSnapshot;
  readonly guard: Guard;
  readonly room: (name: string) => Log;
}

/** The store that the settings ask for. Rejects with CONFIG when a file of theirs cannot be read; etcd need not answer. */
export async function openStore(sources: StoreSources): Promise<OpenStore> {
  const {config, room} = sources;
  if (config.etcd !== undefined) return await openShared(sources, config.etcd);
  return {
    store: createEmbeddedStore({clock, log: room('members')}),
    hold: work => work(),
    join() {},
    replicas: undefined,
    template: undefined,
    quarantine: undefined,
    async close() {},
  };
}

async function openShared({config, snapshot, guard, room}: StoreSources, etcd: EtcdSettings): Promise<OpenStore> {
  const {self, ttlMs} = config;
  const keys = keysOf(self.namespace, self.app);
  const leases = {grant: grantLease, renew: renewLease, revoke: revokeLease};
  await loadSecrets(etcd, files);
  const gateway = openGateway({
    endpoints: etcd.endpoints,
    loadSecrets: () => loadSecrets(etcd, files),
    openTransport,
    clock,
    log: room('etcd'),
  });
  const store = createEtcdStore({
    clock,
    log: room('members'),
    gateway,
    follow: followPrefix,
    keys,
    guard,
    ttlMs,
    ownApp: self.app,
    ownReplicaKeys: keys.replicasOf(self.id),
    confirmMs: deriveConfirmMs(ttlMs),
    isForeign: isForeign(snapshot),
  });
  const run = randomBytes(4).toString('hex');
  const template = openSharedTemplate({gateway, key: keys.template, id: self.id, clock, log: room('fleet')});
  const quarantine = openSharedText({gateway, key: keys.quarantine, empty: NOBODY, clock});
  const fleet = openFleet({
    gateway,
    follow: followPrefix,
    leases,
    prefix: keys.replicas,
    id: self.id,
    key: `${keys.replicasOf(self.id)}${run}`,
    run,
    onLost: store.lostReplica,
    clock,
    log: room('fleet'),
  });
  const {hold} = openReloadLock({
    gateway,
    replicas: () => fleet.replicas,
    leases,
    key: keys.reloadLock,
    id: self.id,
    clock,
    log: room('fleet'),
  });
  return {
    store,
    hold,
    join: fleet.join,
    get replicas() {
      return fleet.replicas;
    },
    template,
    quarantine,
    async close() {
      template.close();
      quarantine.close();
      await fleet.close();
      gateway.close();
    },
  };
}
