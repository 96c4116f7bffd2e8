import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {EtcdFault} from '../../src/etcd/fault.ts';
import type {FollowPorts} from '../../src/etcd/follow.ts';
import type {Gateway} from '../../src/etcd/gateway.ts';
import type {KeyValue} from '../../src/etcd/wire.ts';
import {deriveConfirmMs, type FleetPorts, openFleet} from '../../src/fleet/fleet.ts';
import {encodeRecord, type ReplicaRecord} from '../../src/fleet/record.ts';
import {openLogSink} from '../members/fixtures.ts';
import {createFakeClock} from '../support/fake-clock.ts';

const BEAT_MS = 500;

const recordOf = (changes: Partial<ReplicaRecord> = {}): ReplicaRecord => ({
  id: 'lb-1',
  run: 'b',
  startedAt: 1000,
  leaving: false,
  version: '1.0.0',
  generation: 3,
  digest: 'd',
  inSync: true,
  ...changes,
});

const entryOf = (key: string, record: ReplicaRecord): KeyValue => ({
  key,
  value: encodeRecord(record),
  revision: 1,
  lease: '7',
});

/** A replica whose etcd is made of what a test says. */
function openReplica(away = false) {
  const clock = createFakeClock();
  const {log, said} = openLogSink();
  const told: {key: string; record: ReplicaRecord; lease: string}[] = [];
  const lost: string[] = [];
  const revoked: string[] = [];
  const etcd = {away, leaseLives: true, granted: 0, closed: false};
  let state = {version: '1.0.0', generation: 3, digest: 'd', inSync: true};
  let follow: FollowPorts | undefined;
  const text = (value: unknown) => Buffer.from(String(value), 'base64').toString();
  const gateway: Pick<Gateway, 'ask'> = {
    async ask(path, request) {
      if (etcd.away) throw new EtcdFault('unreachable', 'away');
      assert.equal(path, '/kv/put');
      const {key, value, lease} = request as Record<string, string>;
      told.push({key: text(key), record: JSON.parse(text(value)), lease: lease ?? ''});
    },
  };
  const ports: FleetPorts = {
    gateway: gateway as FleetPorts['gateway'],
    follow(given) {
      follow = given;
      return {
        linked: true,
        relink: () => {},
        close() {
          etcd.closed = true;
        },
      };
    },
    leases: {
      async grant(_gateway, ttlMs) {
        if (etcd.away) throw new EtcdFault('unreachable', 'away');
        assert.equal(ttlMs, 3000);
        etcd.granted += 1;
        return String(etcd.granted);
      },
      renew: async () => etcd.leaseLives,
      async revoke(_gateway, lease) {
        revoked.push(lease);
      },
    },
    prefix: '/kontrol/replicas/',
    id: 'lb-0',
    key: '/kontrol/replicas/lb-0',
    run: 'a',
    onLost: id => lost.push(id),
    clock,
    log,
  };
  const fleet = openFleet(ports);
  fleet.join(() => state);
  const followed = (): FollowPorts => {
    assert.ok(follow !== undefined);
    return follow;
  };
  return {
    fleet,
    clock,
    etcd,
    told,
    lost,
    revoked,
    said,
    become(changes: Partial<typeof state>) {
      state = {...state, ...changes};
    },
    load: (...kvs: KeyValue[]) => followed().onLoad({revision: 1, kvs, forgot: false}),
    put: (kv: KeyValue) => followed().onEvents([{is: 'put', kv}], 2),
    remove: (key: string) => followed().onEvents([{is: 'delete', key, revision: 3, last: undefined}], 3),
  };
}

describe('fleet', () => {
  test('a start -> it shows itself under a lease, once, and again when something of it changed', async () => {
    const {clock, told, etcd, become} = openReplica();
    await clock.advance(3 * BEAT_MS);
    assert.equal(told.length, 1);
    assert.deepEqual(told[0], {
      key: '/kontrol/replicas/lb-0',
      record: recordOf({id: 'lb-0', run: 'a', startedAt: 1_500_000_000_000}),
      lease: '1',
    });
    become({generation: 4});
    await clock.advance(BEAT_MS);
    assert.deepEqual([told.length, told[1]?.record.generation, told[1]?.lease], [2, 4, '1']);
    assert.equal(etcd.granted, 1);
  });

  test('its lease has ended -> it shows itself under a new one', async () => {
    const {clock, told, etcd} = openReplica();
    await clock.advance(0);
    etcd.leaseLives = false;
    await clock.advance(BEAT_MS);
    assert.deepEqual(
      told.map(({lease}) => lease),
      ['1', '2'],
    );
  });

  test('etcd is away -> it goes on trying, each beat', async () => {
    const {clock, told, etcd} = openReplica(true);
    await clock.advance(4 * BEAT_MS);
    etcd.away = false;
    await clock.advance(BEAT_MS);
    assert.equal(told.length, 1);
  });

  test('replicas, loaded and told -> by id; what is none of them is left out', () => {
    const {fleet, load, put} = openReplica();
    load(entryOf('k2', recordOf({id: 'lb-2'})), {key: 'k', value: 'nonsense', revision: 1, lease: ''});
    put(entryOf('k1', recordOf({id: 'lb-1'})));
    put({key: 'k3', value: '{}', revision: 1, lease: ''});
    assert.deepEqual(
      fleet.replicas.map(({id}) => id),
      ['lb-1', 'lb-2'],
    );
  });

  test('an entry ends, or is missed at the next load -> lost, told once each; what stays is not', () => {
    const {fleet, load, remove, lost, said} = openReplica();
    load(
      entryOf('k1', recordOf({id: 'lb-1'})),
      entryOf('k2', recordOf({id: 'lb-2'})),
      entryOf('k3', recordOf({id: 'lb-3'})),
    );
    remove('k1');
    remove('k1');
    assert.deepEqual(lost, ['lb-1']);
    load(entryOf('k2', recordOf({id: 'lb-2'})));
    assert.deepEqual(lost, ['lb-1', 'lb-3']);
    assert.equal(said('replica lost').length, 2);
    assert.deepEqual(
      fleet.replicas.map(({id}) => id),
      ['lb-2'],
    );
  });

  test('one that said goodbye ends -> not lost', () => {
    const {load, put, remove, lost} = openReplica();
    load(entryOf('k1', recordOf()));
    put(entryOf('k1', recordOf({leaving: true})));
    remove('k1');
    assert.deepEqual(lost, []);
  });

  test('closed -> its goodbye is told, its lease given back, then nothing more', async () => {
    const {fleet, clock, told, revoked, etcd} = openReplica();
    await clock.advance(0);
    await fleet.close();
    assert.deepEqual([told.length, told[1]?.record.leaving, told[1]?.lease], [2, true, '1']);
    assert.deepEqual([revoked, etcd.closed], [['1'], true]);
    await clock.advance(10 * BEAT_MS);
    assert.equal(told.length, 2);
  });

  test('closed before etcd ever answered -> no goodbye; closed while it is away -> ends all the same', async () => {
    const never = openReplica(true);
    await never.clock.advance(0);
    never.etcd.away = false;
    await never.fleet.close();
    assert.deepEqual([never.told, never.revoked, never.etcd.granted], [[], [], 0]);

    const away = openReplica();
    await away.clock.advance(0);
    away.etcd.away = true;
    await away.fleet.close();
    assert.deepEqual([away.told.length, away.revoked, away.said('goodbye not told').length], [1, [], 1]);
  });
});

test('how long another replica may take to say that it heard a pod -> what it takes to be lost, less what a TTL leaves; a second at least', () => {
  assert.deepEqual([4000, 8000, 14_000, 25_000].map(deriveConfirmMs), [3500, 2500, 1000, 1000]);
});
