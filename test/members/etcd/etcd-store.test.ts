import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {followPrefix} from '../../../src/etcd/follow.ts';
import {openGateway} from '../../../src/etcd/gateway.ts';
import {openTransport} from '../../../src/etcd/transport.ts';
import {createEtcdStore} from '../../../src/members/etcd/etcd-store.ts';
import {keysOf} from '../../../src/members/etcd/keys.ts';
import {createGuard} from '../../../src/members/guard.ts';
import type {Ping} from '../../../src/members/member.ts';
import {type MemberChange, openRegistry} from '../../../src/members/registry.ts';
import {openSnapshotFile} from '../../../src/members/snapshot-file.ts';
import {createTable} from '../../../src/members/table.ts';
import {systemClock as clock} from '../../../src/ports/clock.ts';
import {type EtcdCluster, startEtcd} from '../../support/etcd.ts';
import {missing} from '../../support/parts.ts';
import {waitFor} from '../../support/wait.ts';
import {createMemoryFiles, openLogSink, pingOf} from '../fixtures.ts';

const OWN_APP = 'haproxy';

export interface TestReplica extends AsyncDisposable {
  ping(changes?: Partial<Ping>): string;
  ips(): string[];
  readonly store: ReturnType<typeof createEtcdStore>;
  readonly registry: ReturnType<typeof openRegistry>;
  readonly changes: MemberChange[];
  readonly sink: ReturnType<typeof openLogSink>;
}

async function openReplica(etcd: EtcdCluster, {ttlMs = 25_000, app = 'lb'} = {}): Promise<TestReplica> {
  const sink = openLogSink();
  const memory = createMemoryFiles();
  const snapshotFile = openSnapshotFile({files: memory.files, clock, log: sink.log}, '/data');
  const snapshot = await snapshotFile.load();
  const guard = createGuard({ttlMs});
  const gateway = openGateway({
    endpoints: etcd.endpoints.split(','),
    loadSecrets: async () => ({tls: {}, credentials: undefined}),
    openTransport,
    clock,
    log: sink.log,
  });
  const store = createEtcdStore({
    clock,
    log: sink.log,
    gateway,
    follow: followPrefix,
    keys: keysOf('default', app),
    guard,
    ttlMs,
    ownApp: OWN_APP,
    confirmMs: 1000,
    isForeign: false,
  });
  const changes: MemberChange[] = [];
  const registry = openRegistry({
    clock,
    log: sink.log,
    store,
    table: createTable({ttlMs, ownApp: OWN_APP, maxMembers: 20_000, guard}),
    snapshotFile,
    snapshot,
    onChange: change => changes.push(change),
  });
  return {
    store,
    registry,
    changes,
    sink,
    ping: changed => registry.record(pingOf(changed)).is,
    ips: () => registry.members().map(({ip}) => ip),
    async [Symbol.asyncDispose]() {
      await registry.close();
      gateway.close();
    },
  };
}

const A = {ip: '10.0.0.1', id: 'a'};
const B = {ip: '10.0.0.2', id: 'b'};

const same = (replicas: readonly TestReplica[], ips: readonly string[]) =>
  waitFor(
    () => replicas.every(replica => JSON.stringify(replica.ips()) === JSON.stringify(ips)),
    `${ips.join(', ')} everywhere`,
    {
      evidence: () =>
        JSON.stringify(
          replicas.map(replica => [replica.ips(), replica.store.healthy(), replica.sink.lines.slice(-5)]),
          null,
          1,
        ),
    },
  );

describe('etcd store', {skip: missing('etcd'), timeout: 60_000}, () => {
  test('pings at two replicas -> the same members in the same order at both; down removes at both', async () => {
    await using etcd = await startEtcd({nodes: 1});
    await using first = await openReplica(etcd);
    await using second = await openReplica(etcd);
    first.ping(B);
    await same([first, second], [B.ip]);
    second.ping(A);
    await same([first, second], [B.ip, A.ip]);
    assert.deepEqual(
      first.registry.members().map(({seq}) => seq),
      [1, 2],
    );
    assert.equal(second.ping(B), 'refreshed');
    second.ping({...B, down: true});
    await same([first, second], [A.ip]);
    first.ping(B);
    await same([first, second], [A.ip, B.ip]);
    assert.ok(first.store.healthy() && first.store.refusal() === undefined);
    await using third = await openReplica(etcd);
    await same([third], [A.ip, B.ip]);
  });
});
