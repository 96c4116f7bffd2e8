import type {ReplicaState} from '../../fleet/record.ts';
import {createGuard} from '../../members/guard.ts';
import {openRegistry, type Registry} from '../../members/registry.ts';
import {openSnapshotFile} from '../../members/snapshot-file.ts';
import {createTable} from '../../members/table.ts';
import {systemClock as clock, within} from '../../ports/clock.ts';
import {systemFiles as files} from '../../ports/files.ts';
import type {Context} from './context.ts';
import {type OpenStore, openStore, type StoreConfig} from './store.ts';

/** Who is alive, as remembered in the data folder and shared through the store. */
export interface Membership extends AsyncDisposable {
  readonly registry: Registry;
  readonly shared: OpenStore;
  /** Hosts were known from the start. */
  remembers(): boolean;
  /** Resolves once a shared store has said whom it knows, does not answer in time, or a stop is asked for. */
  loaded(): Promise<void>;
  /** Shows this replica to the others from here on. */
  join(describe: () => ReplicaState): void;
}

/** The first pass waits this long for a shared store. */
const STORE_PATIENCE_MS = 2000;

interface MembershipContext extends Pick<Context, 'room'> {
  readonly config: StoreConfig & Pick<Context['config'], 'maxMembers' | 'maxPayloadBytes' | 'dataFolder'>;
  readonly ending: Pick<Context['ending'], 'asked'>;
}

/** Rejects as `openStore` does. */
export async function openMembership({config, room, ending}: MembershipContext): Promise<Membership> {
  const {self, ttlMs, maxMembers, maxPayloadBytes} = config;
  const log = room('members');
  const snapshotFile = openSnapshotFile({files, clock, log}, config.dataFolder);
  const snapshot = await snapshotFile.load();
  const guard = createGuard({ttlMs});
  const shared = await openStore({config, snapshot, guard, room});
  const {store} = shared;
  const table = createTable({ttlMs, ownApp: self.app, maxMembers, maxPayloadBytes, guard});
  const registry = openRegistry({clock, log, store, table, snapshotFile, snapshot});
  return {
    registry,
    shared,
    remembers: () => registry.restored || store.remembers(),
    loaded: () => within(clock, STORE_PATIENCE_MS, store.loaded(STORE_PATIENCE_MS), ending.asked),
    join: shared.join,
    async [Symbol.asyncDispose]() {
      await registry.close();
      await shared.close();
    },
  };
}
