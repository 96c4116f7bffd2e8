import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {Guard} from '../../src/members/guard.ts';
import {createTable} from '../../src/members/table.ts';
import {fc} from '../support/properties.ts';
import {pingOf} from './fixtures.ts';

const TTL_MS = 100;
const MAX_MEMBERS = 4;

interface ModelPod {
  ip: string;
  id: string;
  app: string;
  seq: number;
  heardMs: number;
  deadlineMs: number;
}

/** What a fault of the network does to a whole app is no matter of this model. */
const guard: Guard = {judge: () => undefined, forget() {}, holds: 0};

/** The table's rules once more, the slow and simple way: lists that are searched from end to end. */
function createModel() {
  let pods: ModelPod[] = [];
  let replaced: {ip: string; id: string; heardMs: number}[] = [];
  let seq = 0;
  return {
    pods: () => [...pods].sort((a, b) => a.seq - b.seq),
    seq: () => seq,
    ping(ip: string, id: string, app: string, nowMs: number) {
      const pod = pods.find(other => other.ip === ip);
      const deadlineMs = nowMs + TTL_MS;
      if (pod === undefined) {
        replaced = replaced.filter(other => other.ip !== ip);
        if (pods.length < MAX_MEMBERS) pods.push({ip, id, app, seq: ++seq, heardMs: nowMs, deadlineMs});
      } else if (pod.id === id) {
        Object.assign(pod, {app, heardMs: nowMs, deadlineMs});
      } else {
        const rival = replaced.find(other => other.ip === ip && other.id === id && nowMs - other.heardMs <= TTL_MS);
        replaced = replaced.filter(other => other.ip !== ip || other.id !== id);
        if (rival !== undefined && nowMs - pod.heardMs < TTL_MS) {
          replaced.push({ip, id, heardMs: nowMs});
          pod.deadlineMs = deadlineMs;
        } else {
          replaced.push({ip, id: pod.id, heardMs: nowMs});
          Object.assign(pod, {id, app, heardMs: nowMs, deadlineMs, seq: rival === undefined ? ++seq : pod.seq});
        }
      }
    },
    down(ip: string, id: string) {
      pods = pods.filter(pod => pod.ip !== ip || pod.id !== id);
    },
    expire(nowMs: number) {
      pods = pods.filter(pod => pod.deadlineMs > nowMs);
    },
    grant(nowMs: number) {
      for (const pod of pods) Object.assign(pod, {heardMs: nowMs, deadlineMs: nowMs + TTL_MS});
    },
  };
}

const ip = fc.integer({min: 1, max: 6}).map(octet => `10.0.0.${octet}`);
const id = fc.constantFrom('a', 'b', 'c');
const app = fc.constantFrom('web', 'api', 'haproxy');
const step = fc.oneof(
  {weight: 6, arbitrary: fc.record({is: fc.constant('ping' as const), ip, id, app})},
  {weight: 2, arbitrary: fc.record({is: fc.constant('down' as const), ip, id})},
  {weight: 3, arbitrary: fc.record({is: fc.constant('wait' as const), ms: fc.integer({min: 0, max: 60})})},
  {weight: 1, arbitrary: fc.record({is: fc.constant('pause' as const), ms: fc.integer({min: 100, max: 500})})},
);

test('table, any pings, downs, waits and pauses -> what a naive model says; seq only grows; nobody lost or back unasked', () => {
  fc.assert(
    fc.property(fc.array(step, {maxLength: 80, size: 'max'}), steps => {
      const table = createTable({
        ttlMs: TTL_MS,
        ownApp: 'haproxy',
        maxMembers: MAX_MEMBERS,
        maxPayloadBytes: 1 << 20,
        guard,
      });
      const model = createModel();
      let nowMs = 0;
      let seq = 0;
      for (const event of steps) {
        const seen = JSON.stringify(table.members(0).map(({lastSeenAt: _, expiresInMs: __, ...member}) => member));
        const {version} = table;
        if (event.is === 'ping') {
          model.ping(event.ip, event.id, event.app, nowMs);
          const ping = pingOf({ip: event.ip, id: event.id, app: event.app});
          const outcome = table.record(ping, {nowMs, epochMs: nowMs});
          const stays = outcome.is === 'joined' || (outcome.is === 'replaced' && !outcome.alternating);
          if (stays) assert.ok(table.settle(event.ip, outcome.arrival, ++seq));
        } else if (event.is === 'down') {
          model.down(event.ip, event.id);
          table.record(pingOf({ip: event.ip, id: event.id, down: true}), {nowMs, epochMs: nowMs});
        } else {
          nowMs += event.ms;
          if (event.is === 'pause') {
            model.grant(nowMs);
            table.grantFreshTtl(nowMs);
          }
          model.expire(nowMs);
          table.expire(nowMs);
        }
        const expected = model.pods();
        const members = table.members(nowMs);
        assert.deepEqual(
          members.map(member => [member.ip, member.id, member.app, member.seq, member.expiresInMs]),
          expected.map(pod => [pod.ip, pod.id, pod.app, pod.seq, pod.deadlineMs - nowMs]),
        );
        assert.equal(seq, model.seq());
        const served = expected.filter(pod => pod.app !== 'haproxy').map(pod => pod.ip);
        assert.deepEqual([...table.hosts().values()].flat().sort(), served.sort());
        const now = JSON.stringify(members.map(({lastSeenAt: _, expiresInMs: __, ...member}) => member));
        assert.equal(table.version !== version, now !== seen);
      }
    }),
    {numRuns: 300},
  );
});
