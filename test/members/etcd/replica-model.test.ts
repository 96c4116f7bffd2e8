import assert from 'node:assert/strict';
import {test} from 'node:test';
import {fc} from '../../support/properties.ts';
import {CONFIRM_MS, createEtcdModel, createModelReplica, settleAll, TTL_MS} from './model.ts';

const REPLICAS = 3;

const replica = fc.nat({max: REPLICAS - 1});
const pod = fc.record({
  ip: fc.integer({min: 1, max: 4}).map(octet => `10.0.0.${octet}`),
  id: fc.constantFrom('a', 'a', 'b'),
  app: fc.constantFrom('web', 'web', 'api'),
});
const step = fc.oneof(
  {weight: 6, arbitrary: fc.record({is: fc.constant('ping' as const), replica, pod, payload: fc.nat({max: 1})})},
  {weight: 2, arbitrary: fc.record({is: fc.constant('down' as const), replica, pod})},
  {weight: 4, arbitrary: fc.record({is: fc.constant('flush' as const), replica, isAnswerLost: fc.boolean()})},
  {weight: 5, arbitrary: fc.record({is: fc.constant('watch' as const), replica, count: fc.integer({min: 1, max: 4})})},
  {weight: 2, arbitrary: fc.record({is: fc.constant('again' as const), replica, count: fc.integer({min: 1, max: 6})})},
  {weight: 1, arbitrary: fc.record({is: fc.constant('load' as const), replica})},
  {weight: 1, arbitrary: fc.record({is: fc.constant('lost' as const), replica})},
  {weight: 1, arbitrary: fc.record({is: fc.constant('returned' as const), replica})},
  {weight: 2, arbitrary: fc.record({is: fc.constant('tick' as const), replica})},
  {weight: 3, arbitrary: fc.record({is: fc.constant('wait' as const), ms: fc.integer({min: 0, max: 15_000})})},
);

test('replicas, any order and duplication of pings, downs, expiries and events -> equal in the end, as etcd says', () => {
  fc.assert(
    fc.property(fc.array(step, {maxLength: 60, size: 'max'}), steps => {
      const etcd = createEtcdModel();
      const replicas = Array.from({length: REPLICAS}, () => createModelReplica(etcd));
      let nowMs = 0;
      for (const event of steps) {
        if (event.is === 'wait') {
          nowMs += event.ms;
          etcd.expire(nowMs);
          continue;
        }
        const one = replicas[event.replica] ?? assert.fail();
        if (event.is === 'ping') one.ping({...event.pod, payload: event.payload}, nowMs);
        else if (event.is === 'down') one.ping({...event.pod, down: true}, nowMs);
        else if (event.is === 'flush') one.flush(nowMs, event.isAnswerLost);
        else if (event.is === 'watch') one.watch(event.count, nowMs);
        else if (event.is === 'again') one.watchAgain(event.count, nowMs);
        else if (event.is === 'load') one.load(nowMs);
        else if (event.is === 'lost') one.core.lostReplica(nowMs);
        else if (event.is === 'returned') one.core.returned(etcd.revision);
        else one.tick(nowMs);
      }
      etcd.extendAll(nowMs);
      settleAll(etcd, replicas, nowMs);
      nowMs += 2 * CONFIRM_MS;
      settleAll(etcd, replicas, nowMs);
      const inEtcd = [...etcd.documents().values()]
        .filter(({document}) => document.is !== 'down')
        .map(({document: {member}}) => [member.seq, member.ip, member.id, member.app, member.payload])
        .sort(([a], [b]) => Number(a) - Number(b));
      for (const {table} of replicas) {
        assert.deepEqual(
          table.members(nowMs).map(({seq, ip, id, app, payload}) => [seq, ip, id, app, payload]),
          inEtcd,
        );
      }
      nowMs += 4 * TTL_MS;
      for (let round = 0; round < 4; round++) {
        nowMs += 2 * TTL_MS;
        settleAll(etcd, replicas, nowMs);
        nowMs += 2 * CONFIRM_MS;
        settleAll(etcd, replicas, nowMs);
      }
      assert.deepEqual(
        replicas.map(({table}) => table.size),
        [0, 0, 0],
      );
    }),
    {numRuns: 1000},
  );
});

const beat = fc.record({replica, gapMs: fc.integer({min: 100, max: 18_750}), lagMs: fc.integer({min: 0, max: 400})});

test('pods that ping on time at any replica -> never missing at any, while watches lag and one replica is cut off', () => {
  fc.assert(
    fc.property(fc.array(beat, {minLength: 20, maxLength: 60}), fc.nat({max: 59}), (beats, lostAt) => {
      const etcd = createEtcdModel();
      const replicas = Array.from({length: REPLICAS}, () => createModelReplica(etcd));
      const ips = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
      const heardMs = new Map(ips.map(ip => [ip, 0]));
      let nowMs = 0;
      for (const ip of ips) replicas[0]?.ping({ip, id: ip}, nowMs);
      settleAll(etcd, replicas, nowMs);
      for (const [index, {replica: chosen, gapMs, lagMs}] of beats.entries()) {
        nowMs += Math.min(gapMs, 6000);
        etcd.expire(nowMs);
        for (const ip of ips) {
          if (nowMs - (heardMs.get(ip) ?? 0) < 12_750) continue;
          heardMs.set(ip, nowMs);
          replicas[(chosen + ip.length) % REPLICAS]?.ping({ip, id: ip}, nowMs);
        }
        nowMs += lagMs;
        // What this replica had heard and not yet told dies with it; the others are told that it was lost.
        const dying = index === lostAt ? replicas[chosen] : undefined;
        for (const one of replicas) {
          if (one === dying) {
            one.core.takeRenewals();
            for (const other of replicas) other.core.lostReplica(nowMs);
          } else one.flush(nowMs);
          one.watch(100, nowMs);
          one.tick(nowMs);
          assert.equal(one.table.size, 3, `beat ${index}`);
        }
      }
    }),
    {numRuns: 300},
  );
});
