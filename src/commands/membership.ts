import type {Config} from '../config/config.ts';
import {createGuard} from '../members/guard.ts';
import {openRegistry, type Registry} from '../members/registry.ts';
import {openSnapshotFile} from '../members/snapshot-file.ts';
import {createTable} from '../members/table.ts';
import {systemClock as clock} from '../ports/clock.ts';
import {systemFiles as files} from '../ports/files.ts';
import type {Log} from '../ports/log.ts';
import {type OpenStore, openStore} from './open-store.ts';

/** Who is alive, as remembered in the data folder and shared through the store. Rejects as `openStore` does. */
export async function openMembership({
  config,
  room,
}: {
  readonly config: Config;
  readonly room: (name: string) => Log;
}): Promise<{readonly registry: Registry; readonly shared: OpenStore}> {
  const {self, ttlMs, maxMembers, maxPayloadBytes} = config;
  const log = room('members');
  const snapshotFile = openSnapshotFile({files, clock, log}, config.dataFolder);
  const snapshot = await snapshotFile.load();
  const guard = createGuard({ttlMs});
  const shared = await openStore({config, snapshot, guard, room});
  const table = createTable({ttlMs, ownApp: self.app, maxMembers, maxPayloadBytes, guard});
  const {store} = shared;
  return {shared, registry: openRegistry({clock, log, store, table, snapshotFile, snapshot})};
}
